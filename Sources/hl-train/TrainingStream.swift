import HLCommand
import HLEncoders
import HLFormats
import HLTensor

/// Batches of a fixed size for training, from a stream or, epoch after epoch in shuffled order, from a file.
///
/// Keeps a running hash of the header and of every id, so that a resumed run can tell whether it is fed the same stream.
/// Where several streams are joined, all their headers count.
final class TrainingStream {
    /// Over the headers' metadata and all ids so far, skipped ones included.
    var hash: UInt64 { seen.value }
    private var seen = StableHash()
    let header: StreamHeader
    /// Those of the joined streams that samples have come from, and the first one.
    private(set) var headers: [StreamHeader] = []
    /// The number of the last of them in a pipe.
    private var segment = 0
    /// Samples of one epoch, where a file says so beforehand.
    let sampleCount: Int?
    private let next: (Int) throws -> (batch: Batch, epoch: Int)?
    /// The crop of its images, where that was made before.
    let crop: PreparedCrop?

    /// - Parameters:
    ///   - path: a stream; `-` is standard input.
    ///   - epochs: more than 1 needs a file with a complete index, whose samples are shuffled anew in every epoch.
    ///   - threads: how many records are decompressed at a time where a file is shuffled.
    ///   - share: of a file that is shuffled, the rank whose samples are taken, and of how many ranks: in every step all of
    ///     them take one batch together.
    init(
        path: String, epochs: Int, seed: UInt64, threads: Int = 1, share: (rank: Int, count: Int) = (0, 1)
    ) throws {
        if epochs > 1 {
            guard path != "-" else {
                throw Failure(
                    .usage, "standard input can be read only once", "give a file instead, or leave out --epochs")
            }
            let file = try SeekableStream(path: path)
            header = file.header
            sampleCount = file.sampleCount
            next = Self.shuffled(file, epochs: epochs, seed: seed, threads: threads, share)
            crop = try PreparedCrop(header)
            try file.headers.forEach(add)
        } else {
            let reader = try StreamReader(path: path)
            header = reader.header
            sampleCount = nil
            let batches = BatchRegrouper(ReadAhead(reader))
            next = { count in try batches.nextBatch(of: count).map { ($0, 0) } }
            crop = try PreparedCrop(header)
            try add(header)
        }
    }

    /// - Throws: `Failure` (incompatible) for a stream whose images are not cropped as those of the first.
    private func add(_ header: StreamHeader) throws {
        guard try PreparedCrop(header)?.isLike(crop) ?? (crop == nil) else {
            throw Failure(
                .incompatible, "streams are joined whose images are cropped differently",
                "join streams that were made with the same --size and --random-resized-crop")
        }
        headers.append(header)
        for part in [header.generator, header.data, header.latent] {
            // A file that has grown is still the one that a run may go on with.
            var object = part?.object
            object?["fingerprint"] = nil
            seen.add(object.map { JSONValue.object($0).text } ?? part?.text ?? "none")
        }
        for entry in header.history { seen.add(JSONValue.object(entry.json).text) }
    }

    private static func shuffled(
        _ file: SeekableStream, epochs: Int, seed: UInt64, threads: Int, _ share: (rank: Int, count: Int)
    ) -> (Int) throws -> (batch: Batch, epoch: Int)? {
        func order(_ epoch: Int) -> Permutation {
            Permutation(count: file.sampleCount, seed: seed, purpose: .trainingOrder, epoch: epoch)
        }
        var epoch = 0, samples = order(0), position = 0
        func gather(_ count: Int) throws -> Gathered? {
            let whole = count * share.count
            // What is left of an epoch and does not fill a batch is dropped.
            if position + whole > samples.count {
                epoch += 1
                samples = order(epoch)
                position = 0
            }
            guard epoch < epochs, whole <= samples.count else { return nil }
            defer { position += whole }
            let all = samples.elements(at: position..<position + whole)
            let indices = stride(from: share.rank, to: whole, by: share.count).map { all[$0] }
            return Gathered(batch: try file.gather(sampleIndices: indices, threads: threads), epoch: epoch)
        }
        // The batches of a training are all of one size: the next ones are put together while it computes.
        var ahead: (count: Int, batches: Ahead<Gathered>)?
        return { count in
            if ahead == nil { ahead = (count, Ahead { try gather(count) }) }
            precondition(ahead?.count == count, "batches of one size")
            return try ahead?.batches.next().map { ($0.batch, $0.epoch) }
        }
    }

    private struct Gathered: Sendable {
        let batch: Batch
        let epoch: Int
    }

    /// The next `count` samples and the number of their epoch, or nil at the end; a last part that is smaller is dropped.
    func nextBatch(_ count: Int) throws -> (batch: Batch, epoch: Int)? {
        guard let (batch, epoch) = try next(count), batch.count == count else { return nil }
        for (part, _) in batch.parts where part.number > segment {
            segment = part.number
            try add(part.header)
        }
        try batch.require("id", .i64, rank: 1).withUnsafeBytes { seen.add($0) }
        return (batch, epoch)
    }

    /// Reads past `count` samples.
    /// - Returns: false when the stream ends before.
    func skip(_ count: Int) throws -> Bool { try nextBatch(count) != nil }

    /// The stream's history with a training on it last; of streams that were joined, and of others that it was trained on
    /// too, all of theirs. A run that was stopped and resumed leaves the same file as one that was not.
    func history(seed: UInt64, with others: TrainingStream...) -> [HistoryEntry] {
        let arguments = CommandLine.arguments.dropFirst().filter { !["--resume", "--force"].contains($0) }
        var all = header
        all.history = StreamHeader.history(joining: headers + others.flatMap(\.headers))
        return all.appending(arguments: arguments, seed: seed).history
    }
}
