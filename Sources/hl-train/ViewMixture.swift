import HLCompute
import HLFormats
import HLTensor

/// Views of one stream, or of two in a ratio (AdaInf: Wang et al., *Do Generated Data Always Help Contrastive Learning?*,
/// ICLR 2024): every step has its share of both, and over the steps the ratio is exact.
///
/// Each stream has its own generator, positives or none, hash and history. The same id in both is two samples: those of
/// the second are augmented by other random words.
final class ViewMixture {
    let main: ViewSource
    /// The second stream.
    let other: ViewSource?
    /// Samples of the first stream to those of the second.
    let ratio: MixingRatio
    private let backend: any Backend
    /// Samples taken so far, of both.
    private var taken = 0
    /// The stream that has ended; nil where none has.
    private(set) var ended: ViewSource?

    /// - Parameters:
    ///   - other: the second stream, and the samples of the first to those of it.
    ///   - backend: what the images are on.
    /// - Throws: `Failure(.incompatible)` for streams of which only one has random crops, or others than the other one.
    init(_ main: ViewSource, with other: (source: ViewSource, ratio: MixingRatio)?, on backend: any Backend) throws {
        self.main = main
        self.other = other?.source
        ratio = other?.ratio ?? MixingRatio(1, 1)
        self.backend = backend
        guard let crop = other?.source.stream.crop ?? main.stream.crop, other != nil else { return }
        guard let own = main.stream.crop, let second = other?.source.stream.crop, own.isLike(second) else {
            throw Failure(
                .incompatible,
                "streams are mixed whose images are cropped differently (\(crop.size) pixels in one of them)",
                "give both or none of them hl-sample's --random-resized-crop")
        }
    }

    var sources: [ViewSource] { other.map { [main, $0] } ?? [main] }

    /// What was done to the samples of both streams, with a training on them last.
    func history(seed: UInt64) -> [HistoryEntry] {
        other.map { main.stream.history(seed: seed, with: $0.stream) } ?? main.stream.history(seed: seed)
    }

    /// As `ViewSource.next`, of both streams: within each view the first one's samples come first.
    /// - Throws: also `Failure(.incompatible)` for images of two sizes or types.
    func next(
        _ count: Int, views: Int, labelled: Bool, weighted: Bool,
        shortage: (_ source: ViewSource, _ found: Int) -> Failure
    ) throws -> ViewSource.Views? {
        var parts: [ViewSource.Views] = []
        for (source, share) in shares(of: count) {
            let part = try source.next(
                share, views: views, labelled: labelled, weighted: weighted, shortage: { shortage(source, $0) })
            guard let part else {
                ended = source
                return nil
            }
            parts.append(part.of(source === other ? .second : .first))
        }
        taken += count
        return parts.count == 1 ? parts[0] : try joined(parts[0], parts[1], views: views)
    }

    /// Reads past `count` samples of both together without rendering them.
    /// - Returns: false when one of the streams ends before.
    func skip(_ count: Int) throws -> Bool {
        for (source, share) in shares(of: count) {
            guard try source.skip(share) else { return false }
        }
        taken += count
        return true
    }

    /// What the next `count` samples take of each stream, where they take some.
    private func shares(of count: Int) -> [(source: ViewSource, share: Int)] {
        guard let other else { return [(main, count)] }
        let first = ratio.countOfFirst(from: taken, count: count)
        return [(source: main, share: first), (source: other, share: count - first)].filter { $0.share > 0 }
    }

    private func joined(_ a: ViewSource.Views, _ b: ViewSource.Views, views: Int) throws -> ViewSource.Views {
        guard a.images.type == b.images.type, a.images.shape.dropFirst() == b.images.shape.dropFirst() else {
            func text(_ images: Tensor) -> String {
                "\(images.type.rawValue) \(images.shape[2]) x \(images.shape[3])"
            }
            throw Failure(
                .incompatible, "streams are mixed whose images are \(text(a.images)) and \(text(b.images))",
                "make them of one size and type")
        }
        let counts = (a.ids.count, b.ids.count)
        let images = (0..<views).flatMap { view in
            [
                backend.rows(a.images, view * counts.0..<(view + 1) * counts.0),
                backend.rows(b.images, view * counts.1..<(view + 1) * counts.1),
            ]
        }
        return ViewSource.Views(
            images: backend.concatenate(images), ids: a.ids + b.ids, labels: a.labels + b.labels,
            epochs: a.epochs + b.epochs, weights: a.weights + b.weights)
    }
}

extension ViewSource.Views {
    fileprivate enum Place { case first, second }

    /// Ids are counted from 0: those of a second stream get the sign that no first one's have.
    fileprivate func of(_ place: Place) -> ViewSource.Views {
        ViewSource.Views(
            images: images, ids: place == .first ? ids : ids.map { $0 ^ .min }, labels: labels, epochs: epochs,
            weights: weights)
    }
}
