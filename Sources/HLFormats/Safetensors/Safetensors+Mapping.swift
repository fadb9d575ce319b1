import HLTensor

extension Safetensors {
    /// Whether the bytes begin as a file of this form does: with a length that is possible, then a JSON object.
    static func isRecognised(_ bytes: ByteSlice) -> Bool {
        guard let length = bytes.integer(at: 0, as: UInt64.self) else { return false }
        return length <= UInt64(maximumHeaderLength) && bytes.integer(at: 8, as: UInt8.self) == UInt8(ascii: "{")
    }

    /// The tensors of a mapped file, in the order of its header; only the header is read.
    /// - Parameter name: what the bytes are, for messages.
    static func open(
        _ bytes: ByteSlice, name: String
    ) throws -> (tensors: [(name: String, tensor: StoredTensor)], metadata: [String: String]) {
        let header = try bytes.withUnsafeBytes { try Self.header($0, total: bytes.count, name: name) }
        let tensors = try header.entries.map { entry -> (name: String, tensor: StoredTensor) in
            guard let elements = bytes.slice(at: header.dataStart + entry.begin, count: entry.end - entry.begin),
                let tensor = try? StoredTensor(entry.type, shape: entry.shape, rowMajor: elements)
            else {
                throw Failure(.data, "the shape of \(entry.name) in \(name) is impossible", "copy or make it again")
            }
            return (entry.name, tensor)
        }
        return (tensors, header.metadata)
    }
}
