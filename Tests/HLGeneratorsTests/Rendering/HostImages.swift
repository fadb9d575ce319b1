import HLCompute
import HLGenerators
import HLNet
import HLTensor

extension Generator {
    /// Images of one view on the host, F32 [B, 3, S, S].
    func hostImages(_ latents: Latents) throws -> HostTensor { try backend.read(render([latents], pixels: .f32)) }
}

extension DifferentiableGenerator {
    /// Images of z, F32 [B, d], and dL/dz of dL/dimages = `cotangent`, on the host.
    func hostImagesAndGradient(
        of z: HostTensor, substituting substitution: LayerSubstitution? = nil, cotangent: (HostTensor) -> HostTensor
    ) throws -> (images: HostTensor, gradient: HostTensor) {
        let pass = Pass(Tape(backend), training: false)
        let input = Variable(backend.tensor(z.reshaped([z.rowCount, z.rowSize])), requiresGradient: true)
        let ids = [Int64](repeating: 0, count: z.rowCount)
        let made = try images(input, ids: ids, view: 1, substituting: substitution, pass)
        let images = try backend.read(made.value)
        pass.tape.backward(from: made, gradient: backend.tensor(cotangent(images)))
        guard let gradient = input.takeGradient() else {
            throw Failure(.software, "no gradient came back", "report this defect")
        }
        return (images, try backend.read(gradient))
    }
}
