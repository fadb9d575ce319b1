import HLCompute
import HLFormats
import HLGenerators
import HLTensor

/// Batches of images for training, one view, a pair or more (`TrainingStream`).
final class ViewSource {
    /// N samples: their images, view by view, and their ids.
    struct Views {
        /// U8 or F32 [V · N, 3, S, S], of V views.
        let images: Tensor
        let ids: [Int64]
        /// Classes, where they were asked for.
        let labels: [Int64]
        /// Which time it is that each sample is gone through.
        let epochs: [Int]
        /// What each pair counts, where that was asked for.
        var weights: [Float] = []
    }

    /// How the views of a sample differ before T_x.
    enum Likeness {
        /// There is one only.
        case noPositives
        /// The positives are their anchors.
        case identical
        case different
    }

    /// For messages.
    let name: String
    let stream: TrainingStream
    /// Of the first samples that were taken; nil before them, and where one view is taken.
    private(set) var likeness: Likeness?
    /// Views of the first samples that were there and not taken; nil before them.
    private(set) var leftOut: [Int]?
    /// Whether pairs have had weights that were not asked for.
    private(set) var hasUnusedWeights = false
    private let renderer: Renderer
    private let backend: any Backend

    /// - Parameters: as of `TrainingStream`.
    ///   - name: for messages.
    ///   - backend: what renders.
    init(
        path: String, name: String = "the stream", epochs: Int = 1, seed: UInt64, threads: Int,
        share: (rank: Int, count: Int) = (0, 1), on backend: any Backend
    ) throws {
        self.name = name
        stream = try TrainingStream(path: path, epochs: epochs, seed: seed, threads: threads, share: share)
        self.backend = backend
        renderer = try Renderer(stream.header, on: backend)
    }

    /// Samples of one epoch, where a file says so beforehand.
    var sampleCount: Int? { stream.sampleCount }

    /// The next `count` samples, or nil at the end; a last part that is smaller is dropped. Samples without positives make
    /// views of their anchor alone.
    /// - Parameters:
    ///   - views: the anchor, view 0, and so many positives less one, views 1, 2, ….
    ///   - labelled: whether the samples must have labels `y`.
    ///   - weighted: whether the pairs must have weights `q.1`.
    ///   - shortage: what is thrown where there are positives, `found` of them, and not enough.
    func next(
        _ count: Int, views: Int = 2, labelled: Bool = false, weighted: Bool = false,
        shortage: (_ found: Int) -> Failure
    ) throws -> Views? {
        guard let (batch, epoch) = try stream.nextBatch(count) else { return nil }
        let ids = try batch.require("id", .i64, rank: 1).integers
        let labels = labelled ? try batch.require("y", .i64, rank: 1).integers : []
        let weights = weighted ? try Self.weights(of: batch, ids) : []
        hasUnusedWeights = hasUnusedWeights || !weighted && batch.tensors["q.1"] != nil
        let there = Set(Renderer.views(of: batch))
        let positives = views > 1 ? (1...).prefix { there.contains($0) }.count : 0
        if 0 < positives && positives < views - 1 { throw shortage(positives) }
        if likeness == nil && views > 1 {
            likeness = positives > 0 ? Self.likeness(of: batch, positives: views - 1) : .noPositives
        }
        leftOut = leftOut ?? there.filter { $0 >= views }.sorted()
        var images = try renderer.images(of: positives > 0 ? Array(0..<views) : [0], in: batch, on: backend)
        if views > 1 && positives == 0 {
            guard stream.crop == nil else {
                throw Failure(
                    .data, "the stream has one crop of each image, and the views of a pair would be the same",
                    "give --views \(views) to hl-sample")
            }
            images = backend.concatenate([Tensor](repeating: images, count: views))
        }
        return Views(
            images: images, ids: ids, labels: labels, epochs: try Self.epochs(of: batch, epoch), weights: weights)
    }

    /// - Throws: `Failure(.data)` for weights that are none.
    private static func weights(of batch: Batch, _ ids: [Int64]) throws -> [Float] {
        let weights = try batch.require("q.1", .f32, rank: 1).floats
        if let row = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
            throw Failure(
                .data,
                "the pair weight q.1 of sample \(ids[row]) is \(weights[row]), which is no finite number from 0 up",
                "weigh the pairs anew with hl-filter --quality")
        }
        return weights
    }

    /// A stream of several passes over a data set numbers them, and may itself be gone through several times.
    private static func epochs(of batch: Batch, _ epoch: Int) throws -> [Int] {
        guard batch.tensors["epoch"] != nil else { return [Int](repeating: epoch, count: batch.count) }
        return try batch.require("epoch", .i64, rank: 1).integers.map { Int($0 & 0xFFFF) + epoch << 16 }
    }

    /// Reads past `count` samples without rendering them.
    /// - Returns: false when the stream ends before.
    func skip(_ count: Int) throws -> Bool { try stream.skip(count) }

    /// Whether every one of the positives is its anchor.
    private static func likeness(of batch: Batch, positives: Int) -> Likeness {
        (1...positives).allSatisfy { isAnchor($0, in: batch) } ? .identical : .different
    }

    /// Of the images, where they are attached, else of the latents.
    private static func isAnchor(_ view: Int, in batch: Batch) -> Bool {
        for kind in ["x", "w", "z"] {
            switch (batch.tensors["\(kind).0"], batch.tensors["\(kind).\(view)"]) {
            case (let anchors?, let positives?):
                return anchors.withUnsafeBytes { a in
                    positives.withUnsafeBytes { b in a.count == b.count && a.elementsEqual(b) }
                }
            case (nil, nil): continue
            default: return false
            }
        }
        return false
    }
}
