import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor

/// What weighs the pairs of a stream: the feature maps of an encoder.
struct PairWeighting {
    private let encoder: Encoder
    private let quality: PairQuality
    private let threads: Int
    /// For the header, `hl.weights`.
    let description: JSONValue

    /// - Parameters:
    ///   - path: of the encoder.
    ///   - layer: one with positions; nil is the encoder's own.
    /// - Throws: as `Encoder.load`; `Failure`: usage for a layer without positions, or several layers, incompatible for
    ///   one whose maps have one position.
    init(
        path: String, layer: String?, _ quality: PairQuality, precision: Precision, threads: Int,
        on backend: any Backend
    ) throws {
        encoder = try Encoder.load(path: path, EncoderChoice(layer: layer), backend: backend)
        encoder.precision = precision
        guard try encoder.positions() > 1 else {
            throw Failure(
                .incompatible,
                "\(encoder.description.layer) has one position for crops of \(encoder.description.crop) pixels, and "
                    + "no foreground is told from a background there", "give an earlier layer with --layer")
        }
        if let remark = encoder.remark { warn(remark) }
        self.quality = quality
        self.threads = threads
        description = [
            "encoder": .string(path), "fingerprint": .string(try encoder.fingerprint()),
            "layer": .string(encoder.description.layer), "sensitivity": .number(quality.sensitivity),
        ]
    }

    /// Checks that samples have what makes a pair.
    /// - Throws: `Failure(.data)` for samples without anchors or positives.
    static func require(_ views: [Int]) throws {
        guard views.first == 0, views.count > 1 else {
            throw Failure(
                .data, "the stream's samples have no \(views.first == 0 ? "positive" : "anchor")",
                "put hl-perturb before hl-filter")
        }
    }

    /// The batch with a weight q.V for each positive, and with its images.
    /// - Parameter areCrops: whether the images are crops already, of which nothing is cut off.
    /// - Throws: `Failure(.data)` for samples without positives, and for features that are no numbers; as
    ///   `Renderer.separateImages` and `Encoder.maps`.
    func weighing(_ batch: Batch, _ renderer: Renderer, areCrops: Bool) throws -> Batch {
        let views = Renderer.views(of: batch)
        try Self.require(views)
        var tensors = batch.tensors, anchors: [PairQuality.Parts] = []
        let images = try renderer.separateImages(of: views, in: batch, on: encoder.backend)
        for (view, images) in zip(views, images) {
            let maps = try encoder.maps(.device(images), areCrops: areCrops)
            if let ids = batch.ids {
                try maps.requireFinite(
                    "the features of view \(view)", ids: ids, remedy: "take another encoder for --quality")
            }
            let parts = PairQuality.parts(of: maps, threads: threads)
            if view == 0 {
                anchors = parts
            } else {
                let worth = zip(anchors, parts).map(quality.worth)
                tensors["q.\(view)"] = HostTensor(worth, shape: [batch.count])
            }
            if tensors["x.\(view)"] == nil { tensors["x.\(view)"] = try encoder.backend.read(images) }
        }
        return try batch.replacing(tensors)
    }
}

/// How the weights of pairs are spread.
struct PairReport {
    private var count = 0
    private var sum = 0.0
    private var squares = 0.0
    private var least = Double.infinity
    private var greatest = 0.0

    /// The weights of a batch's views.
    mutating func add(_ batch: Batch) {
        for (name, tensor) in batch.tensors where name.hasPrefix("q.") && tensor.type == .f32 {
            for weight in tensor.floats.map({ Double($0) }) {
                count += 1
                sum += weight
                squares += weight * weight
                least = min(least, weight)
                greatest = max(greatest, weight)
            }
        }
    }

    private var mean: Double { sum / Double(max(1, count)) }
    /// Pairs of one weight that would spread a mean as little (Kish 1965).
    private var effective: Double { squares > 0 ? sum * sum / squares : 0 }

    var text: String {
        "weighed \(counted(count, "pair", "pairs")), from \(rounded(least / mean)) to \(rounded(greatest / mean)) times "
            + "their mean: as many as \(rounded(effective, to: 1)) that count alike"
    }

    var json: JSONValue {
        [
            "pairs": .integer(Int64(count)), "mean": .number(mean), "least": .number(count > 0 ? least : 0),
            "greatest": .number(greatest), "effective": .number(effective),
        ]
    }
}
