import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLStatistics
import HLTensor

/// How far generated images are from real ones in the features of an encoder.
final class GeneratorQuality {
    /// What is measured, beside how many images it is measured on.
    struct Score {
        let frechet: Double
        let precision: Double
        let recall: Double
        /// k of precision and recall, for reports.
        let neighbours: JSONValue
    }

    private let encoder: Encoder
    /// Its features divided by their deviations, as hl-metrics --features standard does.
    private let real: EmbeddingSet
    private let deviations: FeatureDeviations
    /// Generated images that are compared with the real ones.
    let count: Int
    private let algebra: LinearAlgebra
    /// `hl.encoder` of the features.
    private let space: JSONValue

    /// Both metrics need more samples than neighbours.
    static let leastCount = 8
    /// Images that are made and embedded at a time.
    private static let portion = 256

    /// - Parameters:
    ///   - real: calls its argument with real images, U8 or F32 [B, 3, H, W], until all have come.
    ///   - count: generated images to compare with them.
    /// - Throws: `Failure(.data)` for features that are no numbers, and what reading the images throws.
    init(
        _ encoder: Encoder, file: String, count: Int, algebra: LinearAlgebra,
        real: ((Tensor) throws -> Void) throws -> Void
    ) throws {
        self.encoder = encoder
        self.count = count
        self.algebra = algebra
        var space = encoder.description.json.object ?? JSONObject()
        space["file"] = .string(file)
        space["fingerprint"] = .string(try encoder.fingerprint())
        self.space = .object(space)
        var accumulator = Self.accumulator(encoder, algebra)
        try real { images in
            for start in stride(from: 0, to: images.shape[0], by: Self.portion) {
                let rows = start..<min(start + Self.portion, images.shape[0])
                try Self.add(.device(encoder.backend.rows(images, rows)), to: &accumulator, encoder)
            }
        }
        guard accumulator.count >= Self.leastCount else {
            throw Failure(
                .data, "there are \(accumulator.count) real images to compare with",
                "give at least \(Self.leastCount), better thousands")
        }
        let set = accumulator.finished()
        deviations = FeatureDeviations(of: set.required(\.distribution))
        self.real = set.divided(by: deviations)
    }

    private static func accumulator(_ encoder: Encoder, _ algebra: LinearAlgebra) -> EmbeddingSet.Accumulator {
        EmbeddingSet.Accumulator(
            dimension: encoder.description.featureCount, viewCount: 1, needs: [.distribution, .rows], algebra: algebra)
    }

    private static func add(
        _ images: Encoder.Images, to accumulator: inout EmbeddingSet.Accumulator, _ encoder: Encoder
    ) throws {
        let features = try encoder.encode(images)
        guard features.firstNonFinite == nil else {
            throw Failure(.data, "the features of images are not numbers", "give another encoder to --features")
        }
        accumulator.add(features)
    }

    /// - Parameter images: generated ones, F32 0…1 [B, 3, S, S]; they are rounded to 8 bits, as hl-sample renders them.
    func measure(_ images: (Range<Int>) throws -> HostTensor) throws -> Score {
        var accumulator = Self.accumulator(encoder, algebra)
        for start in stride(from: 0, to: count, by: Self.portion) {
            let part = try images(start..<min(start + Self.portion, count))
            try Self.add(.host(Image.rounded(part)), to: &accumulator, encoder)
        }
        let inputs = MetricInputs(
            accumulator.finished().divided(by: deviations), reference: real, options: MetricOptions(), algebra: algebra,
            backend: self.encoder.backend)
        let distance = try FrechetDistance.metric.measure(inputs), shares = try PrecisionRecall.metric.measure(inputs)
        return Score(
            frechet: distance.values[0].value, precision: shares.values[0].value, recall: shares.values[1].value,
            neighbours: shares.settings["k"] ?? .null)
    }

    /// Metadata `hl.quality` of a generator's file: a distance means nothing without its features.
    func json(_ score: Score, samples: Int) -> JSONValue {
        [
            "frechet": .number(score.frechet), "precision": .number(score.precision), "recall": .number(score.recall),
            "k": score.neighbours, "generated": .integer(Int64(count)), "real": .integer(Int64(real.count)),
            "images_seen": .integer(Int64(samples)), "features": "standard", "space": space,
        ]
    }
}
