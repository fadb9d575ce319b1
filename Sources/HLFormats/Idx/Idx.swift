import HLTensor

/// Reads the idx files of MNIST and its successors, gzipped or not (http://yann.lecun.com/exdb/mnist, "The IDX file
/// format"): two zeros, a type, the number of dimensions, their sizes as big-endian 32-bit integers, big-endian elements
/// in row-major order.
package enum Idx {
    /// - Returns: the array in its own type, little-endian.
    /// - Throws: `Failure`: noInput for a file that cannot be opened, data for one that is not what it should be.
    package static func read(path: String) throws -> HostTensor {
        let file = try MappedFile(path: path).bytes
        let isGzip = InflateSource.isGzip(file)
        let source: any ByteSource = try isGzip ? InflateSource(file, .gzip, name: path) : SliceSource(file)
        return try read(source, atMost: isGzip ? InflateSource.largestSize(of: file.count) : file.count, name: path)
    }

    /// - Parameter largest: bytes that the source can have; a header that claims more is not believed.
    private static func read(_ source: any ByteSource, atMost largest: Int, name: String) throws -> HostTensor {
        let start = try bytes(4, of: source, name: name)
        guard start[0] == 0, start[1] == 0, let type = type(start[2]), (1...8).contains(start[3]) else {
            throw Failure(
                .data, "\(name) is not an idx file", "name one of MNIST's files, such as train-images-idx3-ubyte")
        }
        let sizes = try bytes(4 * Int(start[3]), of: source, name: name)
        let shape = stride(from: 0, to: sizes.count, by: 4).map { at in
            sizes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        guard let count = Safetensors.byteCount(type, shape), count <= largest else {
            throw Failure(
                .data,
                "\(name) claims an array of \(shape.map(String.init).joined(separator: " x ")), which it does not hold",
                "fetch or copy it again")
        }
        let tensor = try HostTensor(type, shape: shape) { buffer in
            try fill(buffer, from: source, name: name)
            for start in stride(from: 0, to: type.size > 1 ? buffer.count : 0, by: type.size) {
                buffer[start..<start + type.size].reverse()
            }
        }
        var rest: UInt8 = 0
        guard try withUnsafeMutableBytes(of: &rest, source.read) == 0 else {
            throw Failure(.data, "\(name) goes on behind its array", "fetch or copy it again")
        }
        return tensor
    }

    private static func type(_ code: UInt8) -> ElementType? {
        [0x08: .u8, 0x09: .i8, 0x0B: .i16, 0x0C: .i32, 0x0D: .f32, 0x0E: .f64][code]
    }

    private static func bytes(_ count: Int, of source: any ByteSource, name: String) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try fill($0, from: source, name: name) }
        return bytes
    }

    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from source: any ByteSource, name: String
    ) throws {
        var filled = 0
        while filled < buffer.count {
            let count = try source.read(into: .init(rebasing: buffer[filled...]))
            guard count > 0 else { throw Failure(.data, "\(name) is cut off", "fetch or copy it again") }
            filled += count
        }
    }
}

/// The bytes of a slice, one after the other.
private final class SliceSource: ByteSource {
    private let bytes: ByteSlice
    private var position = 0

    init(_ bytes: ByteSlice) { self.bytes = bytes }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, bytes.count - position)
        bytes.withUnsafeBytes { buffer.copyBytes(from: $0[position..<position + count]) }
        position += count
        return count
    }
}
