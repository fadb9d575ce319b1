import HLTensor

/// Tensors by name, in the order in which the names were first set.
public struct NamedTensors: Sendable, Sequence {
    public private(set) var names: [String] = []
    private var values: [HostTensor] = []
    private var indices: [String: Int] = [:]

    public init() {}

    /// A name given twice keeps its last tensor.
    public init(_ entries: [(String, HostTensor)]) {
        for (name, tensor) in entries { self[name] = tensor }
    }

    public var count: Int { names.count }
    public var isEmpty: Bool { names.isEmpty }

    /// Setting `nil` removes the name, in time linear in `count`.
    public subscript(name: String) -> HostTensor? {
        get { indices[name].map { values[$0] } }
        set {
            guard let newValue else {
                remove(name)
                return
            }
            if let index = indices[name] {
                values[index] = newValue
            } else {
                indices[name] = names.count
                names.append(name)
                values.append(newValue)
            }
        }
    }

    @discardableResult
    public mutating func remove(_ name: String) -> HostTensor? {
        guard let index = indices.removeValue(forKey: name) else { return nil }
        names.remove(at: index)
        for later in index..<names.count { indices[names[later]] = later }
        return values.remove(at: index)
    }

    public func makeIterator() -> AnyIterator<(name: String, tensor: HostTensor)> {
        var index = 0
        return AnyIterator {
            guard index < names.count else { return nil }
            defer { index += 1 }
            return (names[index], values[index])
        }
    }

    /// The same names with transformed tensors.
    public func mapTensors(_ transform: (HostTensor) throws -> HostTensor) rethrows -> NamedTensors {
        var result = self
        result.values = try values.map(transform)
        return result
    }
}

extension NamedTensors: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, HostTensor)...) { self.init(elements) }
}
