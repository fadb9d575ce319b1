import HLGenerators
import HLTensor

extension LatentShape {
    /// - Throws: `Failure(.data)` unless the latents are F32 [B, chunks, dimension].
    package func require(_ latents: HostTensor, _ name: String) throws {
        let shape = latents.shape
        if latents.type == .f32, shape.count == 3, shape[1] == chunks, shape[2] == dimension { return }
        let found =
            latents.type == .f32 && shape.count == 3
            ? "has \(shape[1]) chunks of \(shape[2])" : "is \(latents.type.rawValue) \(shape)"
        throw Failure(
            .data, "\(name) \(found) where the header says \(chunks) of \(dimension)",
            "make the stream again with hl-sample")
    }
}
