import HLFormats
import HLTensor

/// The stream that a program reads.
package enum StreamInput {
    /// Opens a file, or standard input for `-`.
    /// - Throws: `Failure`: usage if standard input is a terminal, noInput for a missing file, data or incompatible for
    ///   what is no stream of this version.
    package static func open(path: String = "-") throws -> StreamReader { try StreamReader(path: path) }
}

/// Batches read ahead on a thread of their own, in order, a few at a time.
package final class ReadAhead: BatchSource {
    package let header: StreamHeader
    private let batches: Ahead<Batch>

    package init(_ source: any BatchSource, depth: Int = 2) {
        header = source.header
        nonisolated(unsafe) let source = source
        batches = Ahead(depth: depth) { try source.next() }
    }

    package func next() throws -> Batch? { try batches.next() }
}

extension StreamHeader {
    /// The header with this program, its arguments and its seed in the history.
    package func appending(
        tool: String? = nil, arguments: [String] = Array(CommandLine.arguments.dropFirst()), seed: UInt64? = nil
    ) -> StreamHeader {
        appending(
            history: HistoryEntry(
                tool: tool ?? Console.tool, version: Version.number, arguments: arguments, seed: seed))
    }
}
