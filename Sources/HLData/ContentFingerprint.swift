import HLFormats
import HLTensor

/// A number for what lies in a place, by which a data set is known under every spelling of its path, and as a copy in
/// another place: of all names, and of the beginnings of a few files, since two splits may have the same names.
struct ContentFingerprint {
    private var hash = StableHash()

    /// Files that are looked into, and how many bytes of each.
    private static let files = 16
    private static let bytes = 1 << 16

    /// A name, or any other part of a description; the order counts.
    mutating func add(_ name: SystemPath) {
        name.bytes.withUnsafeBytes { hash.add($0) }
        // No name holds a zero.
        hash.add("\0")
    }

    /// Some of `count` files, spread evenly. One that cannot be read is left out: its reader will say so.
    mutating func addContents(of count: Int, _ path: (Int) -> SystemPath?) {
        addBeginnings(of: count) { index in
            guard let path = path(index), let source = try? FileDescriptorSource(opening: path) else { return nil }
            let buffer = HostBuffer(count: Self.bytes)
            var filled = 0
            while filled < Self.bytes,
                let more = try? source.read(into: .init(rebasing: buffer.bytes[filled...])), more > 0
            { filled += more }
            return buffer.resized(to: filled, keeping: filled)
        }
    }

    /// The beginnings of some of `count` images, spread evenly, as bytes in memory.
    mutating func addBeginnings(of count: Int, _ bytes: (Int) -> HostBuffer?) {
        let chosen = min(count, Self.files)
        for number in 0..<chosen {
            let index = chosen == 1 ? 0 : number * (count - 1) / (chosen - 1)
            bytes(index)?.withBytes { hash.add(UnsafeRawBufferPointer(rebasing: $0.prefix(Self.bytes))) }
        }
    }

    /// In hex.
    var text: String { hash.text }
}
