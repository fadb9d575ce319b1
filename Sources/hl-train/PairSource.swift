import HLCompute
import HLFormats
import HLGenerators
import HLTensor

/// Batches of images, one view or a pair, for training (`TrainingStream`).
final class PairSource {
    /// N samples: their images, view by view, and their ids.
    struct Pairs {
        /// U8 or F32 [V · N, 3, S, S], of V views.
        let images: Tensor
        let ids: [Int64]
        /// Classes, where they were asked for.
        let labels: [Int64]
        /// Which time it is that each sample is gone through.
        let epochs: [Int]
    }

    /// How the two views of a sample differ before T_x.
    enum Likeness {
        /// There is one only.
        case noPositives
        /// The positives are their anchors.
        case identical
        case different
    }

    let stream: TrainingStream
    /// Of the first pairs that were taken; nil before them, and where one view is taken.
    private(set) var likeness: Likeness?
    private let renderer: Renderer
    private let backend: any Backend

    /// - Parameters: as of `TrainingStream`.
    ///   - backend: what renders.
    init(path: String, epochs: Int, seed: UInt64, threads: Int, on backend: any Backend) throws {
        stream = try TrainingStream(path: path, epochs: epochs, seed: seed, threads: threads)
        self.backend = backend
        renderer = try Renderer(stream.header, on: backend)
    }

    /// Samples of one epoch, where a file says so beforehand.
    var sampleCount: Int? { stream.sampleCount }
    /// `TrainingStream.hash`.
    var hash: UInt64 { stream.hash }

    /// The next `count` pairs, or nil at the end; a last part that is smaller is dropped. Samples without a second view
    /// make a pair with themselves.
    /// - Parameters:
    ///   - views: 1 takes view 0 alone.
    ///   - labelled: whether the samples must have labels `y`.
    func nextPairs(_ count: Int, views: Int = 2, labelled: Bool = false) throws -> Pairs? {
        guard let (batch, epoch) = try stream.nextBatch(count) else { return nil }
        let ids = try batch.require("id", .i64, rank: 1).integers
        let labels = labelled ? try batch.require("y", .i64, rank: 1).integers : []
        let hasPositives = views > 1 && Renderer.views(of: batch).contains(1)
        if likeness == nil && views > 1 { likeness = hasPositives ? Self.likeness(of: batch) : .noPositives }
        var images = try renderer.images(of: hasPositives ? [0, 1] : [0], in: batch, on: backend)
        if views > 1 && !hasPositives {
            guard stream.crop == nil else {
                throw Failure(
                    .data, "the stream has one crop of each image, and the views of a pair would be the same",
                    "give --views 2 to hl-sample")
            }
            images = backend.concatenate([images, images])
        }
        return Pairs(images: images, ids: ids, labels: labels, epochs: try Self.epochs(of: batch, epoch))
    }

    /// A stream of several passes over a data set numbers them, and may itself be gone through several times.
    private static func epochs(of batch: Batch, _ epoch: Int) throws -> [Int] {
        guard batch.tensors["epoch"] != nil else { return [Int](repeating: epoch, count: batch.count) }
        return try batch.require("epoch", .i64, rank: 1).integers.map { Int($0 & 0xFFFF) + epoch << 16 }
    }

    /// Reads past `count` pairs without rendering them.
    /// - Returns: false when the stream ends before.
    func skip(_ count: Int) throws -> Bool { try stream.skip(count) }

    /// Of the images, where they are attached, else of the latents.
    private static func likeness(of batch: Batch) -> Likeness {
        for kind in ["x", "w", "z"] {
            switch (batch.tensors["\(kind).0"], batch.tensors["\(kind).1"]) {
            case (let anchors?, let positives?):
                let isSame = anchors.withUnsafeBytes { a in
                    positives.withUnsafeBytes { b in a.count == b.count && a.elementsEqual(b) }
                }
                return isSame ? .identical : .different
            case (nil, nil): continue
            default: return .different
            }
        }
        return .different
    }
}
