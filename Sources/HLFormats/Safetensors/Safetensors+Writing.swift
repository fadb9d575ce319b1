import HLTensor

extension Safetensors {
    /// A file as the pieces that make it up, in order, so that it can be written without one more copy.
    package struct Encoded: Sendable {
        /// Length field and JSON, padded with spaces to a multiple of 8.
        package let header: [UInt8]
        /// By descending element size, then by name.
        package let tensors: [HostTensor]

        package var byteCount: Int { tensors.reduce(header.count) { $0 + $1.byteCount } }

        /// Calls `body` with each piece in order.
        package func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
            try header.withUnsafeBytes(body)
            for tensor in tensors { try tensor.withUnsafeBytes(body) }
        }
    }

    /// The same tensors and metadata always give the same bytes, whatever the order of insertion.
    package static func encode(_ file: TensorFile) -> Encoded {
        let entries = file.tensors.sorted {
            $0.tensor.type.size != $1.tensor.type.size
                ? $0.tensor.type.size > $1.tensor.type.size
                : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        var json = "{"
        if !file.metadata.isEmpty {
            json += "\"__metadata__\":{"
            let keys = file.metadata.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for (index, key) in keys.enumerated() {
                if index > 0 { json += "," }
                JSONValue.write(key, to: &json)
                json += ":"
                JSONValue.write(file.metadata[key] ?? "", to: &json)
            }
            json += "}"
        }
        var position = 0
        for (name, tensor) in entries {
            if json.utf8.count > 1 { json += "," }
            JSONValue.write(name, to: &json)
            let end = position + tensor.byteCount
            json += ":{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":["
            json += tensor.shape.map(String.init).joined(separator: ",")
            json += "],\"data_offsets\":[\(position),\(end)]}"
            position = end
        }
        json += "}"
        var header: [UInt8] = []
        let padding = (8 - json.utf8.count % 8) % 8
        withUnsafeBytes(of: UInt64(json.utf8.count + padding).littleEndian) { header.append(contentsOf: $0) }
        header.append(contentsOf: json.utf8)
        header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
        return Encoded(header: header, tensors: entries.map(\.tensor))
    }

    /// Writes all or nothing: the file appears under its name when it is complete.
    package static func write(_ file: TensorFile, to path: String) throws {
        let output = try OutputFile(path: path)
        try encode(file).forEachPiece { try output.write($0) }
        try output.commit()
    }
}
