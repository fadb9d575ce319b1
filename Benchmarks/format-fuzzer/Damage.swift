import HLTensor

/// Damages files in the ways that files are damaged, or attacked: the same way for the same case.
struct Damage {
    private var random: RandomSequence
    private var bytes: [UInt8] = []

    init(case number: Int, seed: UInt64) {
        random = RandomKey(seed: seed, purpose: .shuffle).sequence(id: Int64(number))
    }

    /// One of the files, damaged once to four times.
    mutating func applied(to files: [[UInt8]]) -> [UInt8] {
        bytes = files[below(files.count)]
        let other = files[below(files.count)]
        for _ in 0...below(4) { step(other) }
        return bytes
    }

    /// A number from 0 on; 0 where there is none below the bound.
    mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(random.nextWord()) % bound : 0 }

    /// A position, more often near the ends, where directories and headers are.
    private mutating func position() -> Int {
        switch below(4) {
        case 0: return below(min(bytes.count, 4096))
        case 1: return max(0, bytes.count - 1 - below(4096))
        default: return below(bytes.count)
        }
    }

    private mutating func step(_ other: [UInt8]) {
        guard !bytes.isEmpty else { return bytes = [UInt8(below(256))] }
        switch below(9) {
        case 0: bytes[position()] ^= 1 << UInt8(below(8))
        case 1: bytes[position()] = [0, 1, 0x7F, 0x80, 0xFF, 0x2E, 0x28, 0x52][below(8)]
        case 2: bytes.removeLast(min(bytes.count, 1 + below(bytes.count)))
        case 3:
            let start = position()
            bytes.removeSubrange(start..<min(bytes.count, start + 1 + below(256)))
        case 4:
            let start = position(), end = min(bytes.count, start + 1 + below(1024))
            bytes.insert(contentsOf: bytes[start..<end], at: min(position(), bytes.count))
        case 5:
            let cut = position()
            bytes = Array(bytes[..<cut]) + other[min(cut, other.count)...]
        case 6: overwriteInteger()
        default: changeNumber()
        }
    }

    /// Two, four or eight bytes in either order, as lengths in pickles, zip directories, safetensors and PNGs are.
    private mutating func overwriteInteger() {
        let values: [UInt64] = [
            0, 1, .max, UInt64(Int64.max), 1 << 31, (1 << 32) - 1, 1 << 40, 0x8000, 65_535, 1 << 20,
        ]
        let value = values[below(values.count)], size = [2, 4, 8][below(3)], start = position(), isBig = below(2) == 0
        for index in 0..<size where start + index < bytes.count {
            bytes[start + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * (isBig ? size - 1 - index : index)))
        }
    }

    /// A number in text, as in the JSON of safetensors, by another one of as many digits: sizes that fit their file no
    /// longer, or shapes of other networks.
    private mutating func changeNumber() {
        var start = position(), steps = 0
        while steps < 4096, !(48...57).contains(bytes[start]) {
            start = (start + 1) % bytes.count
            steps += 1
        }
        while start < bytes.count, (48...57).contains(bytes[start]) {
            bytes[start] = UInt8(48 + below(10))
            start += 1
        }
    }
}
