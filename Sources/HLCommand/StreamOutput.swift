import Glibc
import HLFormats
import HLTensor

/// The stream that a program writes: to standard output at the level for pipes, or to a file that appears under its
/// name when it is complete and ends with a seek table.
///
/// Nothing but `finish()` writes an end record or gives the file its name, so that a failure leaves neither.
package final class StreamOutput {
    private let writer: StreamWriter
    private let file: OutputFile?
    private let pipe: FileDescriptorSink?

    package var samplesWritten: Int { writer.samplesWritten }

    /// - Parameter path: `-` is standard output.
    /// - Throws: `Failure`: usage if standard output is a terminal, cannotCreate for the file.
    package init(path: String = "-") throws {
        if path == "-" {
            let sink = try FileDescriptorSink.standardOutput()
            writer = try StreamWriter(sink, level: StreamWriter.pipeLevel, seekable: false)
            pipe = sink
            file = nil
        } else {
            let sink = try OutputFile(path: path)
            writer = try StreamWriter(sink, level: StreamWriter.fileLevel, seekable: true)
            pipe = nil
            file = sink
        }
    }

    package func writeHeader(_ header: StreamHeader) throws { try writer.writeHeader(header) }

    package func write(_ batch: Batch) throws { try writer.write(batch) }

    /// Writes the end record and closes.
    package func finish() throws {
        try writer.finish()
        try pipe?.close()
        try file?.commit()
    }
}
