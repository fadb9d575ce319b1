import HLCompute
import HLGenerators
import HLTensor

/// Weights of generators: pickles, PyTorch's archives, safetensors; the network is built and, now and then, rendered.
struct WeightsFormat: FuzzedFormat {
    let name = "weights"

    func read(path: String, thorough: Bool) throws {
        let generator = try GeneratorSpecification.fromWeights(path: path).makeGenerator(
            on: CPUBackend.plain(threads: 1))
        guard thorough else { return }
        let shape = generator.specification.base
        let z = HostTensor([Float](repeating: 0.5, count: shape.size), shape: [1, shape.chunks, shape.dimension])
        _ = try generator.backend.read(
            generator.render([Latents(z, ids: HostTensor([Int64(0)], shape: [1]))], pixels: .f32))
    }
}
