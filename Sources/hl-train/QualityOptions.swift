import ArgumentParser
import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor

/// How a generator is measured while it is trained.
struct QualityOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Encoder in whose features generated and real images are compared, as of hl-encode --encoder: Fréchet "
                + "distance, precision and recall go to --log. (path; default: none, nothing is measured)",
            valueName: "file"), completion: .file())
    var features: String?

    @Option(
        help: ArgumentHelp(
            "Layers of the encoder, joined by +, as of hl-encode --layer. (default: the encoder's own)",
            valueName: "names"))
    var featuresLayer: String?

    @Option(
        help: ArgumentHelp(
            "Side that whole images are brought to for the encoder, in pixels. (integer from 8 to 4096; default: side and "
                + "crop are the encoder's own)", valueName: "n"))
    var featuresSide: Int?

    @Option(
        help: ArgumentHelp(
            "Stream of the real images to compare with. (path; default: the first images of the stream, which the "
                + "training never sees then)", valueName: "file"), completion: .file())
    var reference: String?

    @Option(
        help: ArgumentHelp(
            "Images of each kind that are compared. (integer from \(GeneratorQuality.leastCount) to 1000000; default: "
                + "\(defaultCount))", valueName: "n"))
    var evalImages: Int?

    @Option(
        help: ArgumentHelp(
            "Images of the training between two measurements; one comes at the end in any case. (integer from 1; default: "
                + "\(defaultInterval))", valueName: "n"))
    var evalEvery: Int?

    static let defaultCount = 2048
    static let defaultInterval = 65_536

    func validate() throws {
        try check(
            features != nil
                || (featuresLayer == nil && featuresSide == nil && reference == nil && evalImages == nil
                    && evalEvery == nil),
            "--features-layer, --features-side, --reference, --eval-images and --eval-every are for measuring",
            "give --features too, or leave them out")
        if let featuresSide {
            let sides = EncoderDescription.sides
            try check(
                sides.contains(featuresSide), "the encoder cannot look at \(featuresSide) pixels",
                "give --features-side from \(sides.lowerBound) to \(sides.upperBound)")
        }
        if let evalImages {
            try check(
                (GeneratorQuality.leastCount...1_000_000).contains(evalImages), "cannot compare \(evalImages) images",
                "give --eval-images from \(GeneratorQuality.leastCount) to 1000000")
        }
        if let evalEvery {
            try check(evalEvery >= 1, "cannot measure every \(evalEvery) images", "give --eval-every from 1")
        }
    }

    /// Files that are read.
    var inputs: [String] { [features, reference].compactMap { $0 } }

    private var count: Int { evalImages ?? Self.defaultCount }

    /// Images that are taken out of the training; nil for none.
    var heldOut: Int? { reference == nil ? count : nil }

    /// - Returns: nil where nothing is to be measured.
    func makeEncoder(on backend: any Backend) throws -> Encoder? {
        guard let features else { return nil }
        let encoder = try Encoder.load(
            path: features, EncoderChoice(side: featuresSide, crop: featuresSide, layer: featuresLayer),
            backend: backend)
        if let remark = encoder.remark { warn(remark) }
        return encoder
    }

    /// Whether anything is to be measured.
    var isWanted: Bool { features != nil }

    /// Images of the training between two measurements; nil where nothing is to be measured.
    var interval: Int? { isWanted ? evalEvery ?? Self.defaultInterval : nil }

    /// - Throws: `Failure` (usage) where so many ranks cannot share out what is held out.
    func checkRanks(_ ranks: Int) throws {
        if isWanted, let heldOut { try checkHeldOut(heldOut, "--eval-images", among: ranks) }
    }

    /// - Parameters:
    ///   - encoder: nil where another rank measures.
    ///   - images: what real images are held out of where no `--reference` is given, on all ranks.
    /// - Returns: nil without an encoder.
    func quality(in encoder: Encoder?, heldOutOf images: RealImages, threads: Int) throws -> GeneratorQuality? {
        guard let encoder else {
            if isWanted, let heldOut { try images.holdOut(heldOut) { _ in } }
            return nil
        }
        return try GeneratorQuality(
            encoder, file: features ?? "", count: count, algebra: try LinearAlgebra(threads: threads)
        ) { take in
            guard let reference else { return try images.holdOut(count, take) }
            try forEachBatch(of: reference, on: encoder.backend, take)
        }
    }

    /// The first images of a stream, a part at a time.
    private func forEachBatch(
        of path: String, on backend: any Backend, _ take: (Tensor) throws -> Void
    ) throws {
        let reader = try StreamInput.open(path: path)
        try RealImages.requireWholeImages(try PreparedCrop(reader.header), path)
        let renderer = try Renderer(reader.header, on: backend), batches = BatchRegrouper(ReadAhead(reader))
        var left = count
        while left > 0, let batch = try batches.nextBatch(of: min(left, 256)) {
            try take(try renderer.images(of: [0], in: batch, on: backend))
            left -= batch.count
        }
    }
}
