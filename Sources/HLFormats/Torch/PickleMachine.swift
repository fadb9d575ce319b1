import HLTensor

/// Reads one pickle, protocols 0 to 5. Nothing in it is executed: calls go through the closed table of
/// `PickleMachine+Calls.swift`.
///
/// The opcodes are documented in CPython's `Lib/pickletools.py`.
final class PickleMachine {
    let budget: PickleBudget
    let arena: PickleArena
    /// Resolves a persistent id, which torch.save uses for storages.
    private let persistent: (PickleValue) throws -> PickleValue
    /// Reads a file of torch.save that is held as a byte string.
    let readFile: (ByteSlice) throws -> PickleValue

    private let bytes: ByteSlice
    private var position: Int
    private var stack: [PickleValue] = []
    /// Stack heights at the open marks.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]

    private init(
        _ bytes: ByteSlice, at position: Int, budget: PickleBudget,
        persistent: @escaping (PickleValue) throws -> PickleValue,
        readFile: @escaping (ByteSlice) throws -> PickleValue
    ) {
        self.bytes = bytes
        self.position = position
        self.budget = budget
        self.persistent = persistent
        self.readFile = readFile
        arena = PickleArena(budget: budget)
    }

    /// Reads the pickle at `position`, which moves behind its end.
    static func read(
        _ bytes: ByteSlice, at position: inout Int, budget: PickleBudget,
        persistent: @escaping (PickleValue) throws -> PickleValue,
        readFile: @escaping (ByteSlice) throws -> PickleValue
    ) throws -> PickleValue {
        let machine = PickleMachine(
            bytes, at: position, budget: budget, persistent: persistent, readFile: readFile)
        let result = try machine.run()
        position = machine.position
        return try machine.arena.seal(result)
    }

    private func run() throws -> PickleValue {
        while true {
            try budget.spendOperations()
            let opcode = try integer(UInt8.self)
            if opcode == UInt8(ascii: ".") { return try pop() }
            if try scalar(opcode) || text(opcode) || container(opcode) || memory(opcode) || call(opcode) { continue }
            throw damagedPickle("it has the unknown opcode \(opcode)")
        }
    }

    // MARK: Opcodes, by kind; each function says whether the opcode is one of its kind

    private func scalar(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "N"): try push(.none)
        case 0x88: try push(.boolean(true))
        case 0x89: try push(.boolean(false))
        case UInt8(ascii: "J"): try push(.integer(Int64(integer(Int32.self))))
        case UInt8(ascii: "K"): try push(.integer(Int64(integer(UInt8.self))))
        case UInt8(ascii: "M"): try push(.integer(Int64(integer(UInt16.self))))
        case 0x8a: try push(longInteger(take(length(UInt8.self))))
        case 0x8b: try push(longInteger(take(length(Int32.self))))
        case UInt8(ascii: "G"): try push(.float(Double(bitPattern: integer(UInt64.self).byteSwapped)))
        case UInt8(ascii: "X"): try push(string(take(length(UInt32.self))))
        case 0x8c: try push(string(take(length(UInt8.self))))
        case 0x8d: try push(string(take(length(UInt64.self))))
        case UInt8(ascii: "B"): try push(.bytes(take(length(UInt32.self))))
        case UInt8(ascii: "C"): try push(.bytes(take(length(UInt8.self))))
        case 0x8e, 0x96: try push(.bytes(take(length(UInt64.self))))
        case UInt8(ascii: "T"): try push(oldString(take(length(Int32.self))))
        case UInt8(ascii: "U"): try push(oldString(take(length(UInt8.self))))
        default: return false
        }
        return true
    }

    private func text(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "I"):
            let line = try line()
            switch line {
            case "00": try push(.boolean(false))
            case "01": try push(.boolean(true))
            default: try push(.integer(PickleText.integer(line)))
            }
        case UInt8(ascii: "L"):
            let line = try line()
            try push(.integer(PickleText.integer(line.hasSuffix("L") ? String(line.dropLast()) : line)))
        case UInt8(ascii: "F"):
            guard let value = Double(try line()) else { throw damagedPickle("it has a malformed number") }
            try push(.float(value))
        case UInt8(ascii: "S"): try push(oldString(PickleText.bytes(line())))
        case UInt8(ascii: "V"): try push(.string(PickleText.unicode(line())))
        default: return false
        }
        return true
    }

    private func container(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "("):
            try budget.spendNode()
            marks.append(stack.count)
        case UInt8(ascii: "0"):
            // Python's own reader takes a mark away where nothing is above it.
            if stack.count > (marks.last ?? 0) { stack.removeLast() } else { _ = try popMark() }
        case UInt8(ascii: "1"): _ = try popMark()
        case UInt8(ascii: "2"): try push(top())
        case UInt8(ascii: "]"): try push(.list(sequence([])))
        case UInt8(ascii: "l"): try push(.list(sequence(popMark())))
        case UInt8(ascii: ")"): try push(.tuple(sequence([])))
        case UInt8(ascii: "t"): try push(.tuple(sequence(popMark())))
        case 0x85, 0x86, 0x87:
            var elements: [PickleValue] = []
            for _ in 0x85...opcode { try elements.append(pop()) }
            try push(.tuple(sequence(elements.reversed())))
        case 0x8f: try push(.set(sequence([])))
        case 0x91: try push(.set(sequence(popMark())))
        case 0x90: try append(popMark(), adding: true)
        case UInt8(ascii: "a"): try append([pop()], adding: false)
        case UInt8(ascii: "e"): try append(popMark(), adding: false)
        case UInt8(ascii: "}"): try push(.dictionary(dictionary([])))
        case UInt8(ascii: "d"): try push(.dictionary(dictionary(popMark())))
        case UInt8(ascii: "s"):
            let value = try pop()
            try setItems([pop(), value])
        case UInt8(ascii: "u"): try setItems(popMark())
        default: return false
        }
        return true
    }

    private func memory(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case 0x80:
            let version = try integer(UInt8.self)
            guard version <= 5 else { throw damagedPickle("it is written in the unknown protocol \(version)") }
        case 0x95:
            guard try length(UInt64.self) <= bytes.count - position else { throw damagedPickle("it is cut off") }
        case UInt8(ascii: "p"): try remember(memoIndex())
        case UInt8(ascii: "q"): try remember(Int(integer(UInt8.self)))
        case UInt8(ascii: "r"): try remember(Int(integer(UInt32.self)))
        case 0x94: try remember(memo.count)
        case UInt8(ascii: "g"): try recall(memoIndex())
        case UInt8(ascii: "h"): try recall(Int(integer(UInt8.self)))
        case UInt8(ascii: "j"): try recall(Int(integer(UInt32.self)))
        default: return false
        }
        return true
    }

    private func call(_ opcode: UInt8) throws -> Bool {
        switch opcode {
        case UInt8(ascii: "c"):
            let module = try line()
            try push(.global(module: module, name: line()))
        case 0x93:
            guard case .string(let name) = try pop(), case .string(let module) = try pop() else {
                throw damagedPickle("it names a class by something other than text")
            }
            try push(.global(module: module, name: name))
        case UInt8(ascii: "R"):
            let arguments = try pop()
            try push(result(of: pop(), arguments: arguments))
        case 0x81:
            let arguments = try pop()
            try push(instance(of: pop(), arguments: arguments, keywords: .none))
        case 0x92:
            let keywords = try pop()
            let arguments = try pop()
            try push(instance(of: pop(), arguments: arguments, keywords: keywords))
        case UInt8(ascii: "b"):
            let state = try pop()
            try build(top(), state: state)
        case UInt8(ascii: "Q"): try push(persistent(pop()))
        case UInt8(ascii: "i"), UInt8(ascii: "o"), UInt8(ascii: "P"), 0x82, 0x83, 0x84, 0x97, 0x98:
            // INST, OBJ, PERSID, EXT1, EXT2, EXT4, NEXT_BUFFER, READONLY_BUFFER
            throw Failure(
                .data, "the pickle uses opcode \(opcode), which no file of PyTorch or StyleGAN2 has",
                "save it again with torch.save")
        default: return false
        }
        return true
    }

    // MARK: Bytes

    private func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws -> Value {
        guard let value = bytes.integer(at: position, as: type) else { throw damagedPickle("it is cut off") }
        position += MemoryLayout<Value>.size
        return value
    }

    private func length<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) throws -> Int {
        guard let value = Int(exactly: try integer(type)), value >= 0 else {
            throw damagedPickle("a length is impossible")
        }
        return value
    }

    private func take(_ count: Int) throws -> ByteSlice {
        guard let part = bytes.slice(at: position, count: count) else { throw damagedPickle("it is cut off") }
        position += count
        return part
    }

    private func line() throws -> String {
        guard let end = bytes.firstIndex(of: 10, from: position) else { throw damagedPickle("it is cut off") }
        let line = try take(end - position)
        position += 1
        return line.text(at: 0, count: line.count) ?? ""
    }

    private func string(_ bytes: ByteSlice) -> PickleValue { .string(bytes.text(at: 0, count: bytes.count) ?? "") }

    /// Python 2's `str` is text or bytes; long ones are bytes, and short ones text when they are ASCII.
    private func oldString(_ bytes: ByteSlice) -> PickleValue {
        guard bytes.count <= 4096, bytes.withUnsafeBytes({ $0.allSatisfy { $0 < 128 } }) else { return .bytes(bytes) }
        return string(bytes)
    }

    private func longInteger(_ bytes: ByteSlice) -> PickleValue {
        guard bytes.count <= 8 else { return .bigInteger(bytes) }
        return bytes.withUnsafeBytes { digits in
            var value: UInt64 = (digits.last ?? 0) >= 128 ? .max : 0
            for digit in digits.reversed() { value = value << 8 | UInt64(digit) }
            return .integer(Int64(bitPattern: value))
        }
    }

    // MARK: Stack and memo

    private func push(_ value: PickleValue) throws {
        guard stack.count < PickleLimits.values else { throw damagedPickle("its stack grows without end") }
        stack.append(value)
    }

    private func top() throws -> PickleValue {
        guard stack.count > (marks.last ?? 0), let value = stack.last else { throw damagedPickle("its stack is empty") }
        return value
    }

    private func pop() throws -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    private func popMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw damagedPickle("a mark is missing") }
        let values = Array(stack[mark...])
        stack.removeSubrange(mark...)
        return values
    }

    private func memoIndex() throws -> Int {
        guard let index = Int(try line()), index >= 0 else { throw damagedPickle("a memo index is malformed") }
        return index
    }

    private func remember(_ index: Int) throws {
        guard memo.count < PickleLimits.values else { throw damagedPickle("its memo grows without end") }
        memo[index] = try top()
    }

    private func recall(_ index: Int) throws {
        guard let value = memo[index] else { throw damagedPickle("it refers to a value it does not hold") }
        try push(value)
    }

    // MARK: Containers

    func sequence(_ elements: [PickleValue]) throws -> PickleSequence {
        try arena.add(PickleSequence(slots: elements))
    }

    func dictionary(_ items: [PickleValue]) throws -> PickleDictionary {
        guard items.count % 2 == 0 else { throw damagedPickle("a key has no value") }
        return try arena.add(PickleDictionary(slots: items))
    }

    private func append(_ values: [PickleValue], adding: Bool) throws {
        switch try top() {
        case .list(let list) where !adding: list.slots += values
        case .set(let set) where adding: set.slots += values
        case .object(let object):
            if object.items.isNone { object.items = .list(try sequence([])) }
            object.items.node?.slots += values
        default: throw damagedPickle("it appends to something other than a list")
        }
    }

    private func setItems(_ items: [PickleValue]) throws {
        guard items.count % 2 == 0 else { throw damagedPickle("a key has no value") }
        switch try top() {
        case .dictionary(let dictionary): dictionary.slots += items
        case .object(let object):
            if object.entries.isNone { object.entries = .dictionary(try dictionary([])) }
            object.entries.node?.slots += items
        default: throw damagedPickle("it sets items of something other than a dictionary")
        }
    }
}
