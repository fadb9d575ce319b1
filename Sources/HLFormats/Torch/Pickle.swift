import HLTensor

/// What a pickle holds. Nothing of it was executed: tensors and containers are rebuilt, a call of anything else is kept
/// as an object with its class's name, arguments and state.
///
/// A graph as returned has no cycles and at most `PickleLimits.depth` levels, but may share nodes: a walk over all
/// paths can be exponentially long, so walkers count their steps.
package enum PickleValue {
    case none
    case boolean(Bool)
    case integer(Int64)
    /// An integer beyond 64 bits: little-endian two's complement.
    indirect case bigInteger(ByteSlice)
    case float(Double)
    case string(String)
    indirect case bytes(ByteSlice)
    case list(PickleSequence)
    case tuple(PickleSequence)
    case set(PickleSequence)
    case dictionary(PickleDictionary)
    case object(PickleObject)
    case tensor(StoredTensor)
    case storage(TensorStorage)
    indirect case global(module: String, name: String)
    /// Where a container held itself.
    case recursion
}

/// Bounds on what one file may ask for, far above what real files need.
enum PickleLimits {
    /// Levels of nesting; also bounds the recursion when a graph is freed.
    static let depth = 1000
    static let operations = 16_000_000
    static let nodes = 2_000_000
    /// Of the stack, and of the memo.
    static let values = 2_000_000
    /// Levels of whole files within byte strings.
    static let nesting = 3
}

/// A node that others can share; its contents change while the pickle is read and never after.
package class PickleNode {
    final var slots: [PickleValue]
    /// 0: not visited, 1: on the path to the node being visited, 2: done. Used while the graph is sealed.
    final var mark: UInt8 = 0
    final var height: Int32 = 0

    init(slots: [PickleValue]) { self.slots = slots }
}

/// The elements of a list, tuple or set.
package final class PickleSequence: PickleNode {
    package var elements: [PickleValue] { slots }
}

/// A dictionary in insertion order.
package final class PickleDictionary: PickleNode {
    // Keys and values alternate in `slots`.

    package var count: Int { slots.count / 2 }
    package var entries: [(key: PickleValue, value: PickleValue)] {
        (0..<count).map { (slots[2 * $0], slots[2 * $0 + 1]) }
    }

    /// The value of a string key; linear in the number of entries. Of equal keys the last one counts.
    package subscript(key: String) -> PickleValue? {
        for index in stride(from: count - 1, through: 0, by: -1) {
            if case .string(let name) = slots[2 * index], name == key { return slots[2 * index + 1] }
        }
        return nil
    }
}

/// An instance of a class that is not rebuilt, or the result of a call that was not made.
package final class PickleObject: PickleNode {
    package let module: String
    package let name: String
    /// What the object turned out to be once its state had come, such as an array.
    var replacement: PickleValue?

    init(module: String, name: String, arguments: PickleValue = .none, state: PickleValue = .none) {
        self.module = module
        self.name = name
        super.init(slots: [arguments, .none, state, .none, .none])
    }

    /// The positional arguments of its constructor, a tuple.
    package var arguments: PickleValue { slots[0] }
    package internal(set) var state: PickleValue {
        get { slots[2] }
        set { slots[2] = newValue }
    }
    /// What was appended, where the class is derived from list; else none.
    package internal(set) var items: PickleValue {
        get { slots[3] }
        set { slots[3] = newValue }
    }
    /// What was set by key, where the class is derived from dict; else none.
    package internal(set) var entries: PickleValue {
        get { slots[4] }
        set { slots[4] = newValue }
    }

    /// An attribute from the object's state: its `__dict__`, alone or followed by its slots.
    package func attribute(_ key: String) -> PickleValue? {
        switch state {
        case .dictionary(let attributes): return attributes[key]
        case .tuple(let parts):
            for case .dictionary(let attributes) in parts.slots.prefix(2) {
                if let value = attributes[key] { return value }
            }
            return nil
        default: return nil
        }
    }
}

extension PickleValue {
    /// A string, or Python 2's `str` of at most 4096 bytes.
    package var text: String? {
        switch self {
        case .string(let text): text
        case .bytes(let bytes): bytes.count <= 4096 ? bytes.text(at: 0, count: bytes.count) : nil
        default: nil
        }
    }

    package var integer: Int? {
        switch self {
        case .integer(let value): Int(exactly: value)
        case .boolean(let value): value ? 1 : 0
        default: nil
        }
    }

    /// A number or boolean as Float64.
    package var number: Double? {
        switch self {
        case .float(let value): value
        case .integer(let value): Double(value)
        case .boolean(let value): value ? 1 : 0
        default: nil
        }
    }

    package var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
    package var isNone: Bool { if case .none = self { true } else { false } }
    package var tensor: StoredTensor? { if case .tensor(let tensor) = self { tensor } else { nil } }
    package var dictionary: PickleDictionary? {
        switch self {
        case .dictionary(let dictionary): dictionary
        // A class derived from dict keeps what dict would hold.
        case .object(let object): object.entries.dictionary
        default: nil
        }
    }
    package var object: PickleObject? { if case .object(let object) = self { object } else { nil } }

    /// The elements of a list, tuple or set.
    package var elements: [PickleValue]? {
        switch self {
        case .list(let sequence), .tuple(let sequence), .set(let sequence): sequence.slots
        default: nil
        }
    }

    /// The entry of a dictionary or the attribute of an object.
    package subscript(key: String) -> PickleValue? {
        switch self {
        case .dictionary(let dictionary): dictionary[key]
        case .object(let object): object.attribute(key) ?? object.entries.dictionary?[key]
        default: nil
        }
    }

    var node: PickleNode? {
        switch self {
        case .list(let node), .tuple(let node), .set(let node): node
        case .dictionary(let node): node
        case .object(let node): node
        default: nil
        }
    }
}
