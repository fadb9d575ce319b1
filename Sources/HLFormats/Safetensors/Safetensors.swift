import HLTensor

/// What a safetensors file holds.
package struct TensorFile: Sendable {
    package var tensors: NamedTensors
    package var metadata: [String: String]
    /// The types of tensors that are in the file and of none of our types, by name: nobody may ask for them.
    package let unread: [String: String]

    package init(
        tensors: NamedTensors = NamedTensors(), metadata: [String: String] = [:], unread: [String: String] = [:]
    ) {
        self.tensors = tensors
        self.metadata = metadata
        self.unread = unread
    }
}

/// The safetensors format (https://github.com/huggingface/safetensors): eight bytes of little-endian header length, a
/// JSON header, and the tensors, row-major and little-endian, without gaps.
package enum Safetensors {
    /// The longest JSON header that the format allows, in bytes.
    package static let maximumHeaderLength = FileForm.maximumHeaderLength
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

    /// Where a tensor lies, relative to the end of the header.
    typealias Place = (name: String, begin: Int, end: Int)

    struct Header {
        let entries: [Entry]
        /// Of all tensors, also of those that are not read.
        let places: [Place]
        /// As `TensorFile.unread`.
        let unread: [String: String]
        let metadata: [String: String]
        /// Where the tensors begin, from the start of the file.
        let dataStart: Int
    }

    /// - Parameters:
    ///   - wanted: what the file should hold, for messages: `an encoder`.
    ///   - remedy: what to do where it is of another form.
    /// - Throws: `Failure` (noInput, inputOutput, data).
    package static func read(
        path: String, wanted: String = "a safetensors file", remedy: String = "name a safetensors file"
    ) throws -> TensorFile {
        let buffer = try FileDescriptorSource(path: path).readAll()
        let form = buffer.withBytes { FileForm($0.prefix(FileForm.length)) }
        guard form.kind == .safetensors else { throw form.refusal(of: path, wanted: wanted, remedy: remedy) }
        return try decode(buffer, name: path)
    }

    /// The tensors of `buffer` as views of it.
    /// - Parameter name: what the bytes are, for messages.
    /// - Throws: `Failure` (data) for anything that the format does not allow.
    package static func decode(_ buffer: HostBuffer, name: String) throws -> TensorFile {
        let header = try buffer.withBytes { try Self.header($0, total: buffer.count, name: name) }
        var tensors = NamedTensors()
        for entry in header.entries {
            tensors[entry.name] = HostTensor(
                entry.type, shape: entry.shape, in: buffer, at: header.dataStart + entry.begin)
        }
        return TensorFile(tensors: tensors, metadata: header.metadata, unread: header.unread)
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
        try checkCoverage(header.places, length: total - header.dataStart, name: name)
        return header
    }

    /// Whether another object follows the first in these bytes.
    static func isFollowed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = try? parsedHeader(bytes, total: bytes.count, name: "") else { return false }
        let (end, overflow) = first.dataStart.addingReportingOverflow(first.places.map(\.end).max() ?? 0)
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
        var unread: [String: String] = [:]
        var places: [Place] = []
        var metadata: [String: String] = [:]
        for (key, value) in json.object?.members ?? [] {
            if key == "__metadata__" {
                for (key, value) in value.object?.members ?? [] {
                    guard let text = value.string else { throw damaged(name, "its metadata is not text") }
                    metadata[key] = text
                }
                // Null stands for none, as the format's own library has it.
                if case .null = value { continue }
                if value.object == nil { throw damaged(name, "its metadata is no object") }
            } else {
                let (typeName, place) = try self.place(key, value, name: name)
                places.append(place)
                if let type = ElementType(rawValue: typeName) {
                    entries.append(try entry(place, type, value, name: name))
                } else {
                    unread[key] = typeName
                }
            }
        }
        return Header(
            entries: entries, places: places, unread: unread, metadata: metadata, dataStart: dataStart)
    }

    private static func place(
        _ key: String, _ value: JSONValue, name: String
    ) throws -> (typeName: String, place: Place) {
        guard let typeName = value["dtype"]?.string, value["shape"]?.array != nil,
            let offsets = value["data_offsets"]?.array, offsets.count == 2,
            let begin = offsets[0].integer, let end = offsets[1].integer
        else { throw damaged(name, "the entry of \(key) lacks its type, shape or place") }
        guard begin >= 0, end >= begin else { throw damaged(name, "the place of \(key) does not fit its shape") }
        return (typeName, (key, Int(begin), Int(end)))
    }

    private static func entry(
        _ place: Place, _ type: ElementType, _ value: JSONValue, name: String
    ) throws -> Entry {
        let dimensions = value["shape"]?.array ?? []
        guard dimensions.count <= maximumRank else {
            throw damaged(name, "\(place.name) has \(dimensions.count) dimensions, more than \(maximumRank)")
        }
        let shape = dimensions.compactMap { $0.integer.flatMap(Int.init(exactly:)) }
        guard shape.count == dimensions.count, let size = byteCount(type, shape) else {
            throw damaged(name, "the shape of \(place.name) is impossible")
        }
        guard place.end - place.begin == size else {
            throw damaged(name, "the place of \(place.name) does not fit its shape")
        }
        return Entry(name: place.name, type: type, shape: shape, begin: place.begin, end: place.end)
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

    private static func checkCoverage(_ places: [Place], length: Int, name: String) throws {
        var position = 0
        for entry in places.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
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
