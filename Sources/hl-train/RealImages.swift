import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor

/// The images that a generator learns from: view 0 of a stream, rendered where it has to be, without the samples that
/// are held out, also where a later pass over the data set brings them again. Where several processes train, they are this
/// one's share, and what any of them holds out.
final class RealImages {
    /// For messages.
    let name: String
    let stream: TrainingStream
    /// Side of the images in pixels, as the first ones have it.
    let side: Int
    private let renderer: Renderer
    private let backend: any Backend
    private let isLabelled: Bool
    private let group: ProcessGroup?
    /// The first samples, which were looked at and not taken yet.
    private var first: Batch?
    private var heldOut: Set<Sample> = []

    /// Images U8 or F32 [N, 3, side, side], their ids, and their classes where they were asked for.
    struct Images {
        let pixels: Tensor
        let ids: [Int64]
        let labels: [Int32]?
    }

    /// A sample's identity where several streams are joined.
    private struct Sample: Hashable {
        let segment: Int
        let id: Int64
    }

    /// - Parameters:
    ///   - path: a stream; `-` is standard input.
    ///   - isLabelled: whether the samples must have classes `y`.
    ///   - group: the processes that train with this one; nil where it is alone.
    ///   - backend: what renders.
    /// - Throws: `Failure`: data for a stream without samples, incompatible for one of random crops.
    init(_ path: String, isLabelled: Bool, group: ProcessGroup?, on backend: any Backend) throws {
        name = path == "-" ? "standard input" : path
        stream = try TrainingStream(path: path, epochs: 1, seed: 0)
        try Self.requireWholeImages(stream.crop, name)
        self.isLabelled = isLabelled
        self.group = group
        self.backend = backend
        renderer = try Renderer(stream.header, on: backend)
        guard let batch = try stream.nextBatch(1)?.batch else {
            throw Failure(.data, "\(name) has no samples", "give it images, as of hl-sample --data")
        }
        first = batch
        side = try renderer.images(of: [0], in: batch, on: backend).shape[2]
        try group?.requireSame(side: side)
    }

    /// - Throws: `Failure(.incompatible)` for crops.
    static func requireWholeImages(_ crop: PreparedCrop?, _ name: String) throws {
        if crop != nil {
            throw Failure(
                .incompatible, "\(name) has random crops, and a generator learns whole images",
                "leave out hl-sample's --random-resized-crop")
        }
    }

    /// Names of the classes that labels number, where the stream has them.
    var classNames: [String]? { stream.header.classNames }

    /// Takes the next images for good: `next` leaves out whatever has the same ids.
    /// - Parameters:
    ///   - count: of all ranks together.
    ///   - take: called with the images in the order of their sequence, on the first rank where there are several.
    /// - Throws: `Failure(.data)` where the stream has fewer.
    func holdOut(_ count: Int, _ take: (Tensor) throws -> Void) throws {
        guard let batch = try takeBatch(group?.turns.share(of: count) ?? count) else {
            throw Failure(
                .data, "\(name) has fewer than the \(count) samples to hold out",
                "lower --eval-images, or give --reference")
        }
        let own = try samples(of: batch)
        // Some ranks have one more than others.
        if let group { try group.requireDifferent(samples: own.prefix(count / group.count).map(\.id), of: name) }
        let all = group.map { Self.inOrder(own, of: count, $0.turns) } ?? own
        for sample in all where !heldOut.insert(sample).inserted {
            let failure = Failure(
                .data,
                "\(name) has fewer than \(count) different images: sample \(sample.id) comes twice among those to "
                    + "hold out", "lower --eval-images, or give --reference")
            throw group?.common(failure) ?? failure
        }
        let images = try renderer.images(of: [0], in: batch, on: backend)
        guard let group else { return try take(images) }
        try group.turns.bringInOrder(try backend.read(images), of: count) { try take(backend.tensor($0)) }
    }

    private static func inOrder(_ own: [Sample], of count: Int, _ turns: any Communicator) -> [Sample] {
        let segments = turns.inOrder(own.map { UInt64($0.segment) }, of: count)
        let ids = turns.inOrder(own.map { UInt64(bitPattern: $0.id) }, of: count)
        return zip(segments, ids).map { Sample(segment: Int($0), id: Int64(bitPattern: $1)) }
    }

    /// The next images, or nil where there are not so many left.
    /// - Throws: `Failure(.data)` where labels are missing.
    func next(_ count: Int) throws -> Images? {
        guard let batch = try nextBatch(count) else { return nil }
        return Images(
            pixels: try renderer.images(of: [0], in: batch, on: backend),
            ids: try batch.require("id", .i64, rank: 1).integers, labels: isLabelled ? try labels(of: batch) : nil)
    }

    /// Reads past as many as `next` takes, without rendering them.
    /// - Returns: false when the stream ends before.
    func skip(_ count: Int) throws -> Bool { try nextBatch(count) != nil }

    private func labels(of batch: Batch) throws -> [Int32] {
        guard batch.tensors["y"] != nil else {
            throw Failure(
                .data, "--content cells needs labels, and \(name) has no y",
                "use a source with labels: hl-sample --data or the shapes generator; or give another --content")
        }
        return try batch.require("y", .i64, rank: 1).integers.map { Int32(clamping: $0) }
    }

    // MARK: Samples

    /// The next samples that are not held out.
    private func nextBatch(_ count: Int) throws -> Batch? {
        var parts: [Batch] = [], missing = count, passed = 0
        while missing > 0 {
            guard let batch = try takeBatch(missing) else { return nil }
            let kept = heldOut.isEmpty ? Array(0..<batch.count) : try kept(of: batch)
            passed = kept.isEmpty ? passed + batch.count : 0
            guard passed <= 2 * heldOut.count else {
                throw Failure(
                    .data, "all images of \(name) are held out, and none is left to learn from",
                    "lower --eval-images, or give --reference")
            }
            if kept.isEmpty { continue }
            parts.append(kept.count == batch.count ? batch : batch.gather(kept))
            missing -= kept.count
        }
        return try Batch.concatenate(parts)
    }

    private func kept(of batch: Batch) throws -> [Int] {
        try samples(of: batch).enumerated().filter { !heldOut.contains($0.element) }.map(\.offset)
    }

    private func samples(of batch: Batch) throws -> [Sample] {
        let ids = try batch.require("id", .i64, rank: 1).integers
        return batch.parts.flatMap { part in part.rows.map { Sample(segment: part.segment.number, id: ids[$0]) } }
    }

    private func takeBatch(_ count: Int) throws -> Batch? {
        guard let looked = first else { return try stream.nextBatch(count)?.batch }
        guard count > 1 else {
            first = nil
            return looked
        }
        guard let rest = try stream.nextBatch(count - 1)?.batch else { return nil }
        first = nil
        return try Batch.concatenate([looked, rest])
    }
}
