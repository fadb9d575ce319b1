import HLTensor

/// What a pickle is made to say, and how it is written: the few opcodes that state dicts and arrays take
/// (https://github.com/python/cpython/blob/3.12/Lib/pickletools.py). `PickleMachine` is the way back.
indirect enum PickleTerm: Sendable {
    case boolean(Bool)
    case integer(Int)
    case none
    case text(String)
    /// The elements of a tensor as a byte string.
    case elements(HostTensor)
    case tuple([PickleTerm])
    case dictionary([(String, PickleTerm)])
    case global(module: String, name: String)
    /// `function(*arguments)`.
    case call(PickleTerm, [PickleTerm])
    /// The object, whose `__setstate__` gets the state.
    case built(PickleTerm, state: PickleTerm)
    /// The object, into which these entries are put.
    case filled(PickleTerm, [(String, PickleTerm)])
    /// What is outside the pickle, under this id.
    case persistent(PickleTerm)

    /// A whole pickle.
    /// - Parameter version: of the protocol, which only says who can read it: 2 for all but `elements`, which take 4.
    func pickle(version: UInt8) -> OutputPieces {
        var output = OutputPieces()
        output.append([0x80, version])
        append(to: &output)
        output.append([UInt8(ascii: ".")])
        return output
    }

    private func append(to output: inout OutputPieces) {
        func opcode(_ character: Unicode.Scalar) { output.append([UInt8(ascii: character)]) }
        switch self {
        case .boolean(let value): output.append([value ? 0x88 : 0x89])
        case .none: opcode("N")
        case .integer(let value): Self.append(value, to: &output)
        case .text(let text):
            opcode("X")
            output.append(littleEndian: UInt32(text.utf8.count))
            output.append(text)
        case .elements(let tensor):
            output.append([0x8e])
            output.append(littleEndian: UInt64(tensor.byteCount))
            output.append(tensor)
        case .tuple(let terms):
            if !terms.isEmpty { opcode("(") }
            for term in terms { term.append(to: &output) }
            opcode(terms.isEmpty ? ")" : "t")
        case .dictionary(let entries):
            opcode("}")
            Self.append(entries, to: &output)
        case .global(let module, let name): output.append("c\(module)\n\(name)\n")
        case .call(let function, let arguments):
            function.append(to: &output)
            PickleTerm.tuple(arguments).append(to: &output)
            opcode("R")
        case .built(let object, let state):
            object.append(to: &output)
            state.append(to: &output)
            opcode("b")
        case .filled(let object, let entries):
            object.append(to: &output)
            Self.append(entries, to: &output)
        case .persistent(let id):
            id.append(to: &output)
            opcode("Q")
        }
    }

    private static func append(_ value: Int, to output: inout OutputPieces) {
        if let short = UInt8(exactly: value) {
            output.append([UInt8(ascii: "K"), short])
        } else if let middle = Int32(exactly: value) {
            output.append([UInt8(ascii: "J")])
            output.append(littleEndian: middle)
        } else {
            output.append([0x8a, 8])
            output.append(littleEndian: Int64(value))
        }
    }

    private static func append(_ entries: [(String, PickleTerm)], to output: inout OutputPieces) {
        guard !entries.isEmpty else { return }
        output.append([UInt8(ascii: "(")])
        for (key, value) in entries {
            PickleTerm.text(key).append(to: &output)
            value.append(to: &output)
        }
        output.append([UInt8(ascii: "u")])
    }
}
