import Glibc
import HLTensor

/// Streams of several files, one behind the other, as if `cat` had joined them.
package final class JoinedReader: BatchSource {
    /// The first one's.
    package let header: StreamHeader
    /// Samples in all, where every stream is a file that says so at its end.
    package let samplesInFiles: Int?

    private var reader: StreamReader
    private var waiting: ArraySlice<String>
    /// Of the readers before this one, and of this one.
    private var segmentsBefore = 0
    private var segment: StreamSegment?
    private var layout: TensorLayout?
    private let firstName: String

    /// Opens the first, and looks at the others.
    /// - Parameter paths: at least one; `-` is standard input.
    /// - Throws: `Failure`: as `StreamReader.init`, for any of them that is a file.
    package init(paths: [String]) throws {
        precondition(!paths.isEmpty)
        reader = try StreamReader(path: paths[0])
        header = reader.header
        firstName = reader.name
        waiting = paths[1...]
        // What is missing or no stream is found before hours of reading. A pipe can be looked at only once.
        var counts = [reader.samplesInFile]
        for path in waiting where path != "-" && !Self.isPipe(path) {
            let other = try StreamReader(path: path)
            try Self.check(other, after: header, firstName)
            counts.append(other.samplesInFile)
        }
        let known = counts.compactMap { $0 }
        samplesInFiles = known.count == paths.count ? known.reduce(0, +) : nil
    }

    /// - Throws: as `StreamReader.next`, and `Failure` (incompatible) where the streams do not belong together.
    package func next() throws -> Batch? {
        while true {
            if let batch = try reader.next() { return try numbered(batch) }
            guard let path = waiting.popFirst() else { return nil }
            segmentsBefore += reader.segments.count
            reader = try StreamReader(path: path)
            try Self.check(reader, after: header, firstName)
        }
    }

    /// The batch as one of the joined stream, whose parts are numbered through.
    private func numbered(_ batch: Batch) throws -> Batch {
        let found = TensorLayout(batch.tensors)
        if let layout, found != layout {
            throw Failure(
                .incompatible, "\(reader.name) has other tensors than \(firstName) (\(found.difference(from: layout)))",
                "join streams with the same tensors only")
        }
        layout = found
        guard let own = batch.parts.first?.segment else { return batch }
        let number = segmentsBefore + own.number
        if segment?.number != number { segment = StreamSegment(number: number, header: own.header) }
        return segment.map(batch.from) ?? batch
    }

    private static func isPipe(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
    }

    private static func check(_ reader: StreamReader, after header: StreamHeader, _ first: String) throws {
        for (what, old, new) in [
            ("generator", header.generator, reader.header.generator), ("data set", header.data, reader.header.data),
        ] where old != new {
            throw Failure(
                .incompatible, "\(reader.name) is of another \(what) than \(first)",
                "join streams that come from one source only")
        }
    }
}
