import HLTensor

/// A file, pipe or standard input whose first bytes are seen before they are read.
package final class PeekingSource: ByteSource {
    /// For messages: the path, or `stdin`.
    package let name: String
    /// What the first bytes say that it is.
    package let form: FileForm
    private let source: FileDescriptorSource
    /// The first bytes, as far as they have not been read.
    private var start: ArraySlice<UInt8>

    /// Opens `path`; `-` is standard input. Waits for the bytes that tell the form, and for no more.
    /// - Throws: `Failure`: noInput if the file is missing or cannot be read, usage if standard input is a terminal.
    package init(path: String) throws {
        source = try FileDescriptorSource(path: path)
        name = source.name
        let buffer = HostBuffer(count: FileForm.length)
        var filled = 0
        // The ninth byte tells safetensors.
        while filled < 9 {
            let count = try source.read(into: .init(rebasing: buffer.bytes[filled...]))
            if count == 0 { break }
            filled += count
        }
        start = Array(buffer.bytes[..<filled])[...]
        form = FileForm(start)
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if start.isEmpty { return try source.read(into: buffer) }
        let count = min(buffer.count, start.count)
        buffer.copyBytes(from: start.prefix(count))
        start = start.dropFirst(count)
        return count
    }

    /// Everything up to the end.
    package func readAll() throws -> HostBuffer {
        defer { start = [] }
        return try source.readAll(behind: start)
    }
}
