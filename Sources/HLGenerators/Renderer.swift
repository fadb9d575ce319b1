import HLCompute
import HLFormats
import HLTensor

/// Gives every view of a batch its images, rendering from the latents what is missing.
///
/// Pixels are rounded to u8 unless f32 is asked for, so that results do not depend on which stage rendered.
package final class Renderer {
    /// The stream's generator, or why it cannot be had; nil where the stream names none.
    private let generator: Result<any Generator, any Error>?

    /// - Parameters:
    ///   - header: the stream's, which names the generator. Where that cannot be had, nothing is said before an image is
    ///     missing: a stream of images needs none.
    ///   - backend: what the generator computes on; not asked for where there is none.
    ///   - trusted: whether a command in the header comes from the user of this program.
    /// - Throws: `Failure` where there is no such backend.
    package init(
        _ header: StreamHeader, on backend: @autoclosure () throws -> any Backend, trusted: Bool = false
    ) throws {
        if header.generator == nil {
            generator = nil
        } else {
            let backend = try backend()
            generator = Result {
                try GeneratorSpecification.known(by: header).makeGenerator(on: backend, trusted: trusted)
            }
        }
    }

    /// For images of a generator that is there already.
    package init(_ generator: any Generator) { self.generator = .success(generator) }

    /// For who is going to render in any case.
    /// - Throws: `Failure` when the stream's generator cannot be had.
    package func requireGenerator() throws { _ = try generator?.get() }

    /// For who writes something before the first images are there. The batch is looked at only where the generator cannot
    /// be had.
    /// - Parameters:
    ///   - views: whose images are wanted; nil is all.
    ///   - first: the first batch of the stream.
    /// - Throws: `Failure` when one of them is missing and cannot be rendered.
    package func require(_ views: [Int]?, in first: @autoclosure () throws -> Batch?) throws {
        guard case .failure(let reason) = generator, let batch = try first() else { return }
        let isWhole = (views ?? Self.views(of: batch)).allSatisfy { batch.tensors["x.\($0)"] != nil }
        if !isWhole { throw reason }
    }

    /// The generator's mapping network, where it has one.
    package var mapper: (any LatentMapper)? { (try? generator?.get()) as? any LatentMapper }

    /// The images of some views of a batch where the generator computes, [V · B, 3, H, W], U8 or F32, view by view: those
    /// `x.V` that the batch has, the others rendered in one call. Mapped latents `w.V` win over `z.V`.
    /// - Parameters:
    ///   - views: at least one.
    ///   - backend: for images that the batch has.
    /// - Throws: `Failure`: data when the batch has neither `x.V` nor a latent of a view, or images of different sizes;
    ///   incompatible when a latent is not one of the generator's.
    package func images(
        of views: [Int], in batch: Batch, pixels: PixelType = .u8, on backend: any Backend
    ) throws -> Tensor {
        if generator != nil, views.allSatisfy({ batch.tensors["x.\($0)"] == nil }) {
            return try rendered(views, in: batch, pixels)
        }
        let parts = try separateImages(of: views, in: batch, pixels: pixels, on: backend)
        if let other = parts.first(where: { $0.shape != parts[0].shape || $0.type != parts[0].type }) {
            throw Failure(
                .data,
                "two views are \(parts[0].type.rawValue) \(parts[0].shape) and \(other.type.rawValue) "
                    + "\(other.shape)", "make them of one size and type")
        }
        return parts.count == 1 ? parts[0] : backend.concatenate(parts)
    }

    /// The same view by view, [B, 3, H, W] each, which may be of different sizes.
    package func separateImages(
        of views: [Int], in batch: Batch, pixels: PixelType = .u8, on backend: any Backend
    ) throws -> [Tensor] {
        let stored = try views.map { try storedImages(of: $0, in: batch) }
        let missing = zip(views, stored).filter { $1 == nil }.map(\.0)
        let made = missing.isEmpty ? nil : try rendered(missing, in: batch, pixels)
        var next = 0
        return stored.map { images in
            if let images { return backend.tensor(images) }
            guard let made else { preconditionFailure("what is missing was rendered") }
            defer { next += batch.count }
            return missing.count == 1 ? made : backend.rows(made, next..<next + batch.count)
        }
    }

    /// The images of one view for people and files, U8 or F32 [B, 3, H, W].
    /// - Throws: as `images(of:in:pixels:on:)`, and whatever went wrong on the backend.
    package func hostImages(of view: Int, in batch: Batch, pixels: PixelType = .u8) throws -> HostTensor {
        if let images = try storedImages(of: view, in: batch) { return images }
        return try read(try rendered([view], in: batch, pixels))
    }

    /// A batch with the images of all its views attached; what is missing is rendered in one call.
    package func attachingImages(to batch: Batch, pixels: PixelType = .u8) throws -> Batch {
        let missing = Self.views(of: batch).filter { batch.tensors["x.\($0)"] == nil }
        for view in Self.views(of: batch) { _ = try storedImages(of: view, in: batch) }
        guard !missing.isEmpty else { return batch }
        let images = try read(try rendered(missing, in: batch, pixels))
        var tensors = batch.tensors
        for (place, view) in missing.enumerated() {
            tensors["x.\(view)"] = images.rows(place * batch.count..<(place + 1) * batch.count)
        }
        return try batch.replacing(tensors)
    }

    private func read(_ images: Tensor) throws -> HostTensor {
        guard let generator = try generator?.get() else { preconditionFailure("nothing was rendered") }
        return try generator.backend.read(images)
    }

    /// `x.V` of a batch that has it.
    private func storedImages(of view: Int, in batch: Batch) throws -> HostTensor? {
        guard let images = batch.tensors["x.\(view)"] else { return nil }
        guard images.shape.count == 4, images.shape[1] == 3, images.type == .u8 || images.type == .f32 else {
            throw Failure(
                .data, "x.\(view) is \(images.type.rawValue) \(images.shape), not U8 or F32 [B, 3, H, W]",
                "make the stream anew")
        }
        if images.type == .f32 { try checkPixels(images, "x.\(view)", batch) }
        return images
    }

    /// - Throws: `Failure(.data)` for a pixel outside 0…1 or a NaN: images that were normalised, or 0…255.
    private func checkPixels(_ images: HostTensor, _ name: String, _ batch: Batch) throws {
        guard let bad = images.firstElement(outside: 0...1) else { return }
        let row = bad / max(1, images.rowSize)
        let value = images.withUnsafeElements(as: Float.self) { $0[bad] }
        let sample = batch.ids.map { "sample \($0.integers[row])" } ?? "one of the samples"
        throw Failure(
            .data, "\(name) of \(sample) has a pixel of \(value), where F32 goes from 0 to 1",
            value.isNaN
                ? Failure.straying
                : value > 1 ? "divide pixels of 0 to 255 by 255, or write them as U8" : "undo their normalisation")
    }

    private func rendered(_ views: [Int], in batch: Batch, _ pixels: PixelType) throws -> Tensor {
        guard let generator = try generator?.get() else { throw Batch.missing("x.\(views[0])") }
        let specification = generator.specification, side = specification.resolution
        let latents = try views.map { try self.latents(of: $0, in: batch, specification) }
        let images = try generator.render(latents, pixels: pixels)
        guard images.type == (pixels == .u8 ? .u8 : .f32), images.shape == [views.count * batch.count, 3, side, side]
        else {
            throw Failure(
                .software,
                "the generator \(specification.name) made images \(images.shape) instead of "
                    + "\(views.count * batch.count) of \(side) pixels", "report this defect")
        }
        return images
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
        if let bad = values.firstNonFinite {
            let sample = batch.ids.map { "sample \($0.integers[bad / max(1, values.rowSize)])" } ?? "one of the samples"
            throw Failure.notFinite("\(name) of \(sample)")
        }
        return Latents(values, space: space, ids: try ids(of: batch, specification), view: view)
    }

    /// Ids may be missing where the images do not depend on them.
    private func ids(of batch: Batch, _ specification: GeneratorSpecification) throws -> HostTensor {
        if specification.rendering.noise == .random { return try batch.require("id", .i64, rank: 1) }
        return batch.ids ?? HostTensor([Int64](repeating: 0, count: batch.count), shape: [batch.count])
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
