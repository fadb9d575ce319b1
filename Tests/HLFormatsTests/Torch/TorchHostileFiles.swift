/// Pickles and archives put together byte by byte.
struct Pickle {
    enum Part: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, Equatable, Sendable {
        case byte(UInt8)

        init(stringLiteral text: String) { self = .byte(text.utf8.first ?? 0) }
        init(integerLiteral value: UInt8) { self = .byte(value) }
    }

    private(set) var bytes: [UInt8] = [0x80, 4]

    func op(_ parts: Part...) -> Pickle { op(parts) }

    func op(_ parts: [Part]) -> Pickle {
        appending(parts.map { if case .byte(let byte) = $0 { byte } else { 0 } })
    }

    func text(_ text: String) -> Pickle { appending([0x8c, UInt8(text.utf8.count)] + Array(text.utf8)) }

    func global(_ module: String, _ name: String) -> Pickle { appending(Array("c\(module)\n\(name)\n".utf8)) }

    /// As LONG1 of eight bytes.
    func integer(_ value: Int) -> Pickle {
        appending([0x8a, 8] + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
    }

    private func appending(_ more: [UInt8]) -> Pickle {
        var copy = self
        copy.bytes += more
        return copy
    }
}

/// A stored zip archive.
struct Zip {
    let bytes: [UInt8]

    init(entries: [(name: String, contents: [UInt8])]) {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, contents) in entries {
            let size = little(contents.count, 4)
            let sizes = little(0, 4) + size + size + little(name.utf8.count, 2)
            directory += little(0x0201_4b50, 4) + little(0, 12) + sizes + little(0, 12) + little(file.count, 4)
            directory += Array(name.utf8)
            file += little(0x0403_4b50, 4) + little(0, 10) + sizes + little(0, 2) + Array(name.utf8) + contents
        }
        let end =
            little(0x0605_4b50, 4) + little(0, 4) + little(entries.count, 2) + little(entries.count, 2)
            + little(directory.count, 4) + little(file.count, 4) + little(0, 2)
        bytes = file + directory + end
    }
}

/// Deterministic damage.
enum TorchMutation {
    static func mutated(_ bytes: [UInt8], seed: Int) -> [UInt8] {
        var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1
        func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(max(bound, 1)))
        }
        let telling: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF] + Array("().012GHIJKLMNQRSTUVXabcdeghijlopqrstu}]".utf8)
        var result = bytes
        for _ in 0...next(4) {
            guard !result.isEmpty else { break }
            let place = next(result.count)
            switch next(7) {
            case 0: result[place] ^= 1 << UInt8(next(8))
            case 1: result[place] = UInt8(next(256))
            case 2: result[place] = telling[next(telling.count)]
            case 3: result.remove(at: place)
            case 4: result.insert(telling[next(telling.count)], at: place)
            case 5:
                // A piece of the file somewhere else.
                let piece = result[place..<min(result.count, place + 1 + next(32))]
                result.insert(contentsOf: Array(piece), at: next(result.count))
            default:
                for index in place..<min(result.count, place + 8) { result[index] = next(2) == 0 ? 0 : 0xFF }
            }
        }
        return result
    }
}
