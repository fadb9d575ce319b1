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
    /// What is written for the header of a stream that is passed on, and the number of the last one.
    private var adapt: ((StreamHeader) throws -> StreamHeader)?
    private var segment = 0

    package var samplesWritten: Int { writer.samplesWritten }

    /// - Parameter path: `-` is standard output.
    /// - Throws: `Failure`: usage if standard output is a terminal, cannotCreate for the file, also for one that is there where
    ///   a launcher has started several processes: all of them have this command line.
    package init(path: String = "-") throws {
        if path == "-" {
            let sink = try FileDescriptorSink.standardOutput()
            writer = try StreamWriter(sink, level: StreamWriter.pipeLevel, seekable: false)
            pipe = sink
            file = nil
        } else {
            let sink = try OutputFile(path: path, isClaimed: try Launcher.ofSeveral() != nil)
            writer = try StreamWriter(sink, level: StreamWriter.fileLevel, seekable: true)
            pipe = nil
            file = sink
        }
    }

    /// Begins a stream with the header of one that is passed on. Where that is several streams joined, so is what is
    /// written, so that every sample keeps its source, its seed and its history.
    /// - Parameters:
    ///   - header: the first one that was read.
    ///   - adapt: makes of a header that was read the one that is written.
    package func begin(
        _ header: StreamHeader, _ adapt: @escaping (StreamHeader) throws -> StreamHeader
    ) throws {
        self.adapt = adapt
        let first = try adapt(header)
        try writer.writeHeader(first)
        Recording.tell(stream: first)
    }

    package func write(_ batch: Batch) throws {
        guard let adapt, !batch.parts.isEmpty else { return try writer.write(batch) }
        for (segment, rows) in batch.parts {
            if segment.number != self.segment {
                let next = try adapt(segment.header)
                try writer.join(next)
                Recording.tell(stream: next)
                self.segment = segment.number
            }
            try writer.write(rows.count == batch.count ? batch : batch.rows(rows))
        }
    }

    /// Writes the end record and closes.
    package func finish() throws {
        try writer.finish()
        try pipe?.close()
        try file?.commit()
    }
}
