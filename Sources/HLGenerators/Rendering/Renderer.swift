import HLCompute
import HLFormats
import HLTensor

/// How pixels are stored in a stream.
package enum PixelType: String, Sendable, CaseIterable {
    /// 0…255, rounded to the nearest.
    case u8
    /// 0…1.
    case f32
}

/// Gives every view of a batch its images, rendering from the latents what is missing.
///
/// Pixels are rounded to u8 unless f32 is asked for, so that results do not depend on which stage rendered.
package final class Renderer {
    private let generator: (any Generator)?
    private let header: StreamHeader

    /// - Parameters:
    ///   - header: the stream's, which names the generator.
    ///   - backend: what the generator computes on; not asked for where there is none.
    ///   - trusted: whether a command in the header comes from the user of this program.
    /// - Throws: `Failure` when the stream's generator cannot be had. A stream of real images needs none.
    package init(
        _ header: StreamHeader, on backend: @autoclosure () throws -> any Backend, trusted: Bool = false
    ) throws {
        self.header = header
        generator =
            header.generator == nil
            ? nil : try GeneratorSpecification(of: header).makeGenerator(on: try backend(), trusted: trusted)
    }

    /// For images of a generator that is there already.
    package init(_ generator: any Generator) {
        self.generator = generator
        header = StreamHeader(generator: generator.specification.json)
    }

    /// The generator's mapping network, where it has one.
    package var mapper: (any LatentMapper)? { generator as? any LatentMapper }

    /// The images `x.V` of one view of a batch, U8 or F32 [B, 3, H, W]. Mapped latents `w.V` win over `z.V`.
    /// - Throws: `Failure`: data when the batch has neither `x.V` nor a latent of that view, incompatible when the
    ///   latent is not one of the generator's.
    package func images(of view: Int, in batch: Batch, pixels: PixelType = .u8) throws -> HostTensor {
        if let images = batch.tensors["x.\(view)"] {
            guard images.shape.count == 4, images.shape[1] == 3, images.type == .u8 || images.type == .f32 else {
                throw Failure(
                    .data, "x.\(view) is \(images.type.rawValue) \(images.shape), not U8 or F32 [B, 3, H, W]",
                    "make the stream anew")
            }
            return images
        }
        guard let generator else { return try batch.require("x.\(view)", .u8, rank: 4) }
        let side = generator.specification.resolution
        let images = try generator.render(try latents(of: view, in: batch, generator.specification))
        guard images.type == .f32, images.shape == [batch.count, 3, side, side] else {
            throw Failure(
                .software, "the generator \(generator.specification.name) made images \(images.shape) instead of "
                    + "\(batch.count) of \(side) pixels", "report this defect")
        }
        return pixels == .f32 ? images : Image.rounded(images)
    }

    private func latents(of view: Int, in batch: Batch, _ specification: GeneratorSpecification) throws -> Latents {
        let space: LatentSpace = batch.tensors["w.\(view)"] == nil ? .z : .w
        let name = "\(space.rawValue).\(view)"
        let values = try batch.require(name, .f32, rank: 3)
        guard let shape = specification.shape(in: space) else {
            throw Failure(
                .incompatible, "the stream has mapped latents \(name), and \(specification.name) takes none",
                "leave them out, or name the generator that they are for")
        }
        guard values.shape[1] == shape.chunks, values.shape[2] == shape.dimension else {
            let unit = space == .z ? "chunks" : "layers"
            throw Failure(
                .incompatible,
                "\(name) has \(values.shape[1]) \(unit) of \(values.shape[2]), but \(specification.name) takes "
                    + "\(shape.chunks) of \(shape.dimension)",
                "draw the latents with hl-sample --generator \(specification.name)")
        }
        return Latents(values, space: space, ids: try ids(of: batch, specification), view: view)
    }

    /// Ids may be missing where the images do not depend on them.
    private func ids(of batch: Batch, _ specification: GeneratorSpecification) throws -> HostTensor {
        if specification.rendering.noise == .random { return try batch.require("id", .i64, rank: 1) }
        return batch.ids ?? HostTensor([Int64](repeating: 0, count: batch.count), shape: [batch.count])
    }

    /// A batch with the images of all its views attached.
    package func attachingImages(to batch: Batch, pixels: PixelType = .u8) throws -> Batch {
        var tensors = batch.tensors
        for view in Self.views(of: batch) {
            tensors["x.\(view)"] = try images(of: view, in: batch, pixels: pixels)
        }
        return try Batch(tensors, metadata: batch.metadata)
    }

    /// The view numbers for which a batch has an image or a latent, in order.
    package static func views(of batch: Batch) -> [Int] {
        let numbers = batch.tensors.names.compactMap { name -> Int? in
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, ["x", "z", "w"].contains(parts[0]) else { return nil }
            return Int(parts[1])
        }
        return Set(numbers).filter { $0 >= 0 }.sorted()
    }
}
