import HLTensor

/// Widths and counts of a StyleGAN2, as its tensors' shapes say.
struct StyleGAN2Geometry {
    /// Output channels of the block of 4 pixels, 8 pixels and so on.
    let channels: [Int]
    /// Values of z.
    let latent: Int
    /// The shape of w.
    let mapped: LatentShape
    let mappingWidths: [(inputs: Int, outputs: Int)]
    /// Of a conditional network.
    let conditions: (classes: Int, embedding: Int)?
    /// Channels of its images: 3, or 1 of a network of grey ones.
    let colours: Int
    /// Whether its layers take noise images.
    let hasNoise: Bool

    var resolution: Int { 4 << (channels.count - 1) }

    /// - Throws: `Failure`: data where the shapes do not fit each other, incompatible for a network outside the family.
    init(_ file: GeneratorFile) throws {
        let reader = WeightsReader(file)
        func damaged(_ what: String) -> Failure {
            Failure(.data, "\(what) of \(file.path) do not fit each other", "fetch or save the file again")
        }
        var channels: [Int] = []
        while reader.has("synthesis.b\(4 << channels.count).conv1.weight") {
            guard channels.count < 11 else {
                throw Failure(.incompatible, "\(file.path) makes images beyond 4096 pixels", "use a smaller network")
            }
            let shape = try reader.shape("synthesis.b\(4 << channels.count).conv1.weight", rank: 4)
            guard shape[0] == shape[1], shape[0] <= 1 << 13 else { throw damagedConvolution(file) }
            channels.append(shape[0])
        }
        guard channels.count >= 2 else {
            throw Failure(.incompatible, "\(file.path) has fewer than two blocks", "use a network of 8 pixels or more")
        }
        var widths: [(inputs: Int, outputs: Int)] = []
        while reader.has("mapping.fc\(widths.count).weight"), widths.count < 64 {
            let shape = try reader.shape("mapping.fc\(widths.count).weight", rank: 2)
            guard widths.isEmpty || widths[widths.count - 1].outputs == shape[1], shape[0] <= 1 << 14 else {
                throw damaged("the layers of the mapping network")
            }
            widths.append((shape[1], shape[0]))
        }
        guard let first = widths.first, let last = widths.last else { throw damaged("the layers of the mapping") }
        if reader.has("mapping.embed.weight") {
            let shape = try reader.shape("mapping.embed.weight", rank: 2)
            guard shape[0] < first.inputs else { throw damaged("latent and classes") }
            conditions = (classes: shape[1], embedding: shape[0])
            latent = first.inputs - shape[0]
        } else {
            conditions = nil
            latent = first.inputs
        }
        colours = try Self.colours(reader)
        try Self.checkStart(reader)
        hasNoise = file.names.contains { $0.hasSuffix(".noise_strength") }
        self.channels = channels
        mappingWidths = widths
        mapped = LatentShape(chunks: 2 * channels.count, dimension: last.outputs)
    }

    /// Of the images that the blocks add up to.
    private static func colours(_ reader: WeightsReader) throws -> Int {
        let count = try reader.shape("synthesis.b4.torgb.weight", rank: 4)[0]
        guard count == 1 || count == 3 else {
            throw Failure(
                .incompatible,
                "\(reader.file.path) makes images of \(count) channels\(count == 4 ? ", as of RGB and alpha" : "")",
                "use a network of RGB or grey images: streams have three channels")
        }
        return count
    }

    /// Every block doubles the sides of the constant that the first one begins with.
    private static func checkStart(_ reader: WeightsReader) throws {
        let shape = try reader.shape("synthesis.b4.const", rank: 3)
        guard shape[1] != 4 || shape[2] != 4 else { return }
        throw Failure(
            .incompatible,
            "\(reader.file.path) begins with \(shape[1]) x \(shape[2]) pixels instead of 4 x 4"
                + (shape[1] == shape[2] ? "" : ": its images are not square"),
            "use a network of square images whose side is a power of two")
    }

    func check(classIndex: Int) throws {
        guard classIndex == 0 || classIndex < conditions?.classes ?? 1, classIndex >= 0 else {
            throw Failure(
                .usage,
                conditions.map { "the network has no class \(classIndex), only 0 to \($0.classes - 1)" }
                    ?? "the network has no classes", "give another --class, or leave it out")
        }
    }

    func check(_ specification: GeneratorSpecification, _ file: GeneratorFile) throws {
        try check(classIndex: specification.rendering.classIndex)
        guard specification.base == LatentShape(chunks: 1, dimension: latent), specification.mapped == mapped,
            specification.resolution == (try specification.rendering.finishedSide(of: resolution))
        else {
            throw Failure(
                .incompatible, "\(file.path) is another network than the one that the stream was made for",
                "make the stream again with this file")
        }
    }
}

private func damagedConvolution(_ file: GeneratorFile) -> Failure {
    Failure(.data, "a convolution of \(file.path) has an impossible shape", "fetch or save the file again")
}
