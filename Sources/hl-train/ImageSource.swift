import HLCompute
import HLFormats
import HLGenerators
import HLTensor

/// View 0 of a stream, rendered where it has to be (`TrainingStream`).
final class ImageSource {
    /// For messages.
    let name: String
    let stream: TrainingStream
    private let renderer: Renderer
    private let backend: any Backend
    private let oracle: (any DefectOracle)?

    /// Images U8 or F32 [N, 3, H, W], their ids, and the latents that they were made from, where they are of a generator.
    struct Images {
        let pixels: Tensor
        let ids: [Int64]
        let latents: HostTensor?
    }

    /// - Parameters:
    ///   - path: a stream; `-` is standard input.
    ///   - backend: what renders.
    init(_ path: String, on backend: any Backend) throws {
        name = path == "-" ? "standard input" : path
        stream = try TrainingStream(path: path, epochs: 1, seed: 0)
        if stream.crop != nil {
            throw Failure(
                .incompatible, "\(name) has random crops, and a discriminator judges whole images",
                "leave out hl-sample's --random-resized-crop")
        }
        self.backend = backend
        renderer = try Renderer(stream.header, on: backend)
        oracle = try GeneratorSpecification.ifKnown(by: stream.header)?.makeOracle() as? any DefectOracle
    }

    /// The next images, or nil where there are not so many left.
    func next(_ count: Int) throws -> Images? {
        guard let batch = try stream.nextBatch(count)?.batch else { return nil }
        return Images(
            pixels: try renderer.images(of: [0], in: batch, on: backend),
            ids: try batch.require("id", .i64, rank: 1).integers, latents: batch.tensors["z.0"])
    }

    /// Which images are defective, where the generator's oracle knows.
    func defects(of images: Images) -> [Bool]? { images.latents.flatMap { oracle?.defects(of: $0) } }
}
