import HLTensor

/// What a safetensors file holds.
package struct TensorFile: Sendable {
    package var tensors: NamedTensors
    package var metadata: [String: String]

    package init(tensors: NamedTensors = NamedTensors(), metadata: [String: String] = [:]) {
        self.tensors = tensors
        self.metadata = metadata
    }
}

/// The safetensors format (https://github.com/huggingface/safetensors): eight bytes of little-endian header length, a
/// JSON header, and the tensors, row-major and little-endian, without gaps.
package enum Safetensors {
    /// The longest JSON header that the format allows, in bytes.
    package static let maximumHeaderLength = 100_000_000
    /// More dimensions than any tensor has: NumPy and PyTorch stop here too.
    static let maximumRank = 64

    /// Where one tensor lies, checked against type, shape and the length of the whole.
    struct Entry {
        let name: String
        let type: ElementType
        let shape: [Int]
        /// Relative to the end of the header.
        let begin: Int
        let end: Int
    }

    struct Header {
        let entries: [Entry]
        let metadata: [String: String]
        /// Where the tensors begin, from the start of the file.
        let dataStart: Int
    }

    /// - Throws: `Failure` (noInput, inputOutput, data).
    package static func read(path: String) throws -> TensorFile {
        try decode(FileDescriptorSource(path: path).readAll(), name: path)
    }

    /// The tensors of `buffer` as views of it.
    /// - Parameter name: what the bytes are, for messages.
    /// - Throws: `Failure` (data) for anything that the format does not allow or a type that `ElementType` lacks.
    package static func decode(_ buffer: HostBuffer, name: String) throws -> TensorFile {
        let header = try buffer.withBytes { try Self.header($0, total: buffer.count, name: name) }
        var tensors = NamedTensors()
        for entry in header.entries {
            tensors[entry.name] = HostTensor(
                entry.type, shape: entry.shape, in: buffer, at: header.dataStart + entry.begin)
        }
        return TensorFile(tensors: tensors, metadata: header.metadata)
    }

    /// The length of the header with its length field, from the first eight bytes or more of a file of `total` bytes.
    static func headerLength(_ bytes: UnsafeRawBufferPointer, total: Int, name: String) throws -> Int {
        guard total >= 8, bytes.count >= 8 else { throw damaged(name, "it is too short") }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(maximumHeaderLength), Int(length) <= total - 8 else {
            throw damaged(name, "its header would be \(length) bytes long")
        }
        return 8 + Int(length)
    }

    /// The header of a file of `total` bytes of which `bytes` is the beginning, the header included.
    static func header(_ bytes: UnsafeRawBufferPointer, total: Int, name: String) throws -> Header {
        let header = try parsedHeader(bytes, total: total, name: name)
        try checkCoverage(header.entries, length: total - header.dataStart, name: name)
        return header
    }

    /// Whether another object follows the first in these bytes.
    static func isFollowed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = try? parsedHeader(bytes, total: bytes.count, name: "") else { return false }
        let (end, overflow) = first.dataStart.addingReportingOverflow(first.entries.map(\.end).max() ?? 0)
        guard !overflow, end < bytes.count else { return false }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[end...])
        return (try? headerLength(rest, total: rest.count, name: "")) != nil
            && rest.count > 8 && rest[8] == UInt8(ascii: "{")
    }

    private static func parsedHeader(_ bytes: UnsafeRawBufferPointer, total: Int, name: String) throws -> Header {
        let dataStart = try headerLength(bytes, total: total, name: name)
        guard dataStart <= bytes.count, dataStart > 8, bytes[8] == UInt8(ascii: "{") else {
            throw damaged(name, "its header is not JSON")
        }
        let json = try JSONValue(
            parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]), name: "the header of \(name)")
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        for (key, value) in json.object?.members ?? [] {
            if key == "__metadata__" {
                for (key, value) in value.object?.members ?? [] {
                    guard let text = value.string else { throw damaged(name, "its metadata is not text") }
                    metadata[key] = text
                }
                if value.object == nil { throw damaged(name, "its metadata is no object") }
            } else {
                entries.append(try entry(key, value, name: name))
            }
        }
        return Header(entries: entries, metadata: metadata, dataStart: dataStart)
    }

    private static func entry(_ key: String, _ value: JSONValue, name: String) throws -> Entry {
        guard let typeName = value["dtype"]?.string, let dimensions = value["shape"]?.array,
            let offsets = value["data_offsets"]?.array, offsets.count == 2,
            let begin = offsets[0].integer, let end = offsets[1].integer
        else { throw damaged(name, "the entry of \(key) lacks its type, shape or place") }
        guard let type = ElementType(rawValue: typeName) else {
            throw Failure(
                .data, "\(key) in \(name) has the unknown type \(typeName)", "convert it to F32 before writing it")
        }
        guard dimensions.count <= maximumRank else {
            throw damaged(name, "\(key) has \(dimensions.count) dimensions, more than \(maximumRank)")
        }
        let shape = dimensions.compactMap { $0.integer.flatMap(Int.init(exactly:)) }
        guard shape.count == dimensions.count, let size = byteCount(type, shape) else {
            throw damaged(name, "the shape of \(key) is impossible")
        }
        guard begin >= 0, end >= begin, end - begin == Int64(size) else {
            throw damaged(name, "the place of \(key) does not fit its shape")
        }
        return Entry(name: key, type: type, shape: shape, begin: Int(begin), end: Int(end))
    }

    /// The bytes of a tensor; `nil` for negative dimensions and where any product of dimensions would overflow, zeros
    /// left out, so that later arithmetic on parts of the shape is safe too.
    static func byteCount(_ type: ElementType, _ shape: [Int]) -> Int? {
        var product = type.size
        for dimension in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: max(dimension, 1))
            if dimension < 0 || overflow { return nil }
            product = next
        }
        return shape.contains(0) ? 0 : product
    }

    private static func checkCoverage(_ entries: [Entry], length: Int, name: String) throws {
        var position = 0
        for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
            guard entry.begin == position else {
                let reason = entry.begin < position ? "overlaps another tensor" : "leaves a gap"
                throw damaged(name, "\(entry.name) \(reason)")
            }
            position = entry.end
        }
        guard position == length else {
            throw damaged(name, "its tensors take \(position) bytes and \(length) are there")
        }
    }

    private static func damaged(_ name: String, _ reason: String) -> Failure {
        Failure(.data, "\(name) is not valid safetensors (\(reason))", "copy or make it again")
    }
}
