import HLTensor

extension SHA256 {
    /// The digest of a file in hex.
    /// - Throws: `Failure` (noInput, inputOutput).
    package static func digest(ofFile path: String) throws -> String {
        let source = try FileDescriptorSource(path: path)
        let buffer = HostBuffer(count: 1 << 20)
        var hash = SHA256()
        while true {
            let count = try source.read(into: buffer.bytes)
            if count == 0 { return hash.finished() }
            hash.update(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
        }
    }
}
