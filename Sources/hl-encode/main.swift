import ArgumentParser
import HLCommand
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// hl-encode: adds embeddings to a stream.
struct Encode: Tool {
    static let configuration = describe(
        "hl-encode", "Embed the images of a stream with a trained or imported encoder.",
        discussion: """
            Adds e.V, what a layer of the backbone makes of the central crop of view V, and passes everything else on. Images \
            that are missing are rendered from the latents and dropped again. Embeddings do not depend on --batch and \
            on how the stream comes in records.
            """)

    static let examples = [
        "hl-encode --encoder encoder.safetensors test.hls -o test-e.hls",
        "hl-sample --data imagefolder:photos --size 256 | hl-encode --encoder resnet50.pth --side 256 --crop 224 -o photos.hls",
        "hl-sample --data imagefolder:photos --size 256 | hl-encode --encoder efficientnet-lite0.pth -o photos.hls",
    ]

    @Argument(help: "Stream to read; - is standard input. (path)", completion: .file())
    var input = "-"

    @OptionGroup var destination: OutputOption
    @OptionGroup var randomness: SeedOption

    @OptionGroup(title: "Encoder") var network: EncoderOptions
    @OptionGroup var computing: PrecisionOption

    @Option(help: ArgumentHelp("Views to embed. (such as 0, 0-2 or 0,2; or all)", valueName: "views"))
    var view = "0"

    @Option(help: ArgumentHelp("Samples per record. (integer from 1 to 65536)", valueName: "n"))
    var batch = Encoder.batch

    @Flag(help: "Leave the images out of what is written.")
    var dropImages = false

    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    static let memoryRemedy = "lower --batch or --threads"

    func validate() throws {
        guard network.isGiven else {
            throw Failure(.usage, "no encoder is given", "give --encoder FILE, or --untrained for a baseline")
        }
        guard (1...65_536).contains(batch) else {
            throw Failure(.usage, "a record cannot have \(batch) samples", "give --batch from 1 to 65536")
        }
        _ = try chosenViews()
    }

    /// nil stands for all.
    private func chosenViews() throws -> [Int]? {
        try ChunkSet.views(parsing: view)
    }

    func run() throws {
        let backend = try network.makeBackend(shared)
        let encoder = try network.makeEncoder(seed: randomness.seed, on: backend)
        encoder.precision = try computing.resolved(on: backend)
        let reader = try StreamInput.open(path: input)
        let renderer = try Renderer(reader.header, on: backend), views = try chosenViews()
        try renderer.require(views, in: reader.peek())
        let output = try StreamOutput(path: destination.output)
        let description = try description(of: encoder)
        try Recording.begin(recording, beside: destination.output, settings: description)
        try output.begin(reader.header) { header in
            var result = header.appending(seed: network.untrained ? randomness.seed : nil)
            result.metadata[StreamHeader.encoder] = description.text
            return result
        }
        if try PreparedCrop(reader.header) != nil {
            Console.inform("the images are random crops, which are embedded as they are")
        }
        Console.note("\(network.name): \(encoder.description.json.text), \(backend.summary)")
        let batches = BatchRegrouper(ReadAhead(reader)), progress = Progress(total: reader.expectedSamples)
        while let batch = try batches.nextBatch(of: batch) {
            var tensors = batch.tensors
            let wanted = views ?? Renderer.views(of: batch)
            let areCrops = try areCrops(batch, reader.header)
            try requireOneEncoder(batch, embedding: wanted, as: description, reader.header)
            for (view, images) in zip(wanted, try renderer.separateImages(of: wanted, in: batch, on: backend)) {
                if output.samplesWritten == 0 { encoder.warnAboutSize(of: images.shape, areCrops: areCrops) }
                let embeddings = try encoder.encode(.device(images), areCrops: areCrops)
                if let ids = batch.ids {
                    try embeddings.requireFinite(
                        "e.\(view)", ids: ids, remedy: "take another encoder, or find the images that are none")
                }
                tensors["e.\(view)"] = embeddings
            }
            if dropImages {
                for name in batch.tensors.names where name.hasPrefix("x.") { tensors.remove(name) }
            }
            try output.write(try batch.replacing(tensors))
            progress.advance(by: batch.count)
        }
        if output.samplesWritten == 0 { warn("the stream has no samples") }
        try output.finish()
        progress.finish()
    }

    /// Whether the images are crops already, of which nothing is to be cut off.
    private func areCrops(_ batch: Batch, _ header: StreamHeader) throws -> Bool {
        let headers = batch.parts.isEmpty ? [header] : batch.parts.map(\.segment.header)
        let crops = try headers.map { try PreparedCrop($0) }
        guard crops.allSatisfy({ ($0 == nil) == (crops[0] == nil) }) else {
            throw Failure(
                .incompatible, "whole images and crops of images are joined in one stream", "embed them separately")
        }
        return crops[0] != nil
    }

    /// The header names one encoder: embeddings of another may not stay beside those that are made.
    /// - Throws: `Failure` (incompatible).
    private func requireOneEncoder(
        _ batch: Batch, embedding views: [Int], as description: JSONValue, _ header: StreamHeader
    ) throws {
        let made = Set(views.map { "e.\($0)" })
        guard let other = batch.tensors.names.first(where: { $0.hasPrefix("e.") && !made.contains($0) }) else { return }
        for header in batch.parts.isEmpty ? [header] : batch.parts.map(\.segment.header) {
            let stated = try header.statedEncoder()
            guard let before = stated?.fingerprint, before == description["fingerprint"]?.string else {
                throw Failure(
                    .incompatible,
                    "\(other) in the stream is of \(stated == nil ? "an encoder that it does not name" : "another encoder")",
                    "embed all views with one encoder, or the stream before it was embedded")
            }
        }
    }

    /// For the header, `hl.encoder`, so that embeddings of two encoders are not compared.
    private func description(of encoder: Encoder) throws -> JSONValue {
        var description = encoder.description.json.object ?? JSONObject()
        description["layer"] = .string(encoder.description.layer)
        description["file"] = .string(network.name)
        description["part"] = network.part.map { .string($0) }
        if encoder.precision != .f32 { description["precision"] = .string(encoder.precision.rawValue) }
        description["fingerprint"] = .string(try encoder.fingerprint())
        return .object(description)
    }
}

runTool(Encode.self)
