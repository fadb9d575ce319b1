import HLCompute
import HLFormats
import HLGenerators
import HLNet
import HLTensor
import Testing

/// The way from images back to z, as walkers take it.
@Suite struct DifferentiableTests {
    private func latents(_ z: HostTensor, of generator: any Generator) -> Latents {
        let shape = generator.specification.base
        return Latents(
            z.reshaped([z.rowCount, shape.chunks, shape.dimension]),
            ids: HostTensor([Int64](repeating: 0, count: z.rowCount), shape: [z.rowCount]))
    }

    /// Samples in blocks, some kept and some rendered a second time, have the images and gradients of the whole.
    @Test func blocksThatAreRenderedTwice() throws {
        let fixture = try NetworkFixture("bigbigan_32.safetensors", expected: "bigbigan_32")
        let network = try fixture.network(try CPUBackend.plain(threads: 2))
        let few = try fixture.tensor("z"), cotangent = try fixture.tensor("cotangent")
        let kept = network.backend.recordedSamples(side: network.networkSide)
        let repeats = kept / few.rowCount + 2
        #expect(kept > network.backend.renderBatch(side: network.networkSide))
        let rows = (0..<repeats * few.rowCount).map { $0 % few.rowCount }
        let (images, gradient) = try network.hostImagesAndGradient(of: few.gather(rows)) { _ in cotangent.gather(rows) }
        #expect(distance(images, try fixture.tensor("image").gather(rows)) < 1e-4)
        let reference = try fixture.tensor("z_grad").gather(rows)
        #expect(distance(gradient, reference.reshaped(gradient.shape)) < 1e-3 * magnitude(reference))
    }

    /// w' of z' for some layers: its images are those of the w put together by hand, and the gradient that of finite
    /// differences, with truncation below a cutoff and without.
    @Test(arguments: [nil, 3] as [Int?]) func substitutedLayers(_ cutoff: Int?) throws {
        let fixture = try NetworkFixture("stylegan2_a.pkl", expected: "stylegan2_a")
        let network = try fixture.network(try CPUBackend.plain(threads: 2)) {
            if let cutoff { ($0.psi, $0.cutoff) = (0.6, cutoff) }
        }
        let mapper = try #require(network as? any LatentMapper)
        let z = try fixture.tensor("z"), count = z.rowCount
        let anchors = latents(z, of: network)
        let moved = latents(HostTensor(z.floats.map { $0 * 0.8 + 0.3 }, shape: z.shape), of: network)
        let layers = [1, 2, 4]
        let anchorLayers = try mapper.map(anchors.values)
        let substitution = LayerSubstitution(
            layers: layers, anchors: network.backend.tensor(anchorLayers.reshaped([count, anchorLayers.rowSize])))
        let cotangent = try fixture.tensor("cotangent")
        let made = try network.hostImagesAndGradient(of: moved.values, substituting: substitution) { _ in cotangent }

        func mixed(_ moved: HostTensor) throws -> HostTensor {
            var w = anchorLayers.floats
            let other = try mapper.map(moved).floats, width = anchorLayers.shape[2]
            for sample in 0..<count {
                for layer in layers {
                    let start = sample * anchorLayers.rowSize + layer * width
                    for index in start..<start + width { w[index] = other[index] }
                }
            }
            return HostTensor(w, shape: anchorLayers.shape)
        }
        func images(_ moved: HostTensor) throws -> HostTensor {
            try network.hostImages(Latents(try mixed(moved), space: .w, ids: anchors.ids))
        }
        #expect(distance(made.images, try images(moved.values)) < 1e-5)

        let gradient = made.gradient.floats
        // Along the gradient itself, where rounding matters least.
        let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        func objective(_ step: Double) throws -> Double {
            let values = zip(moved.values.floats, gradient).map { $0 + Float(step / norm) * $1 }
            let made = try images(HostTensor(values, shape: moved.values.shape)).floats
            return zip(made, cotangent.floats).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let step = 2e-3
        let slope = (try objective(step) - objective(-step)) / (2 * step)
        #expect(abs(slope - norm) < 0.02 * norm, "\(slope) where the gradient has length \(norm)")
    }

    @Test func shapesAndCommands() throws {
        let shapes = try GeneratorSpecification.named("shapes", resolution: 32).makeDifferentiableGenerator(
            on: CPUBackend.plain(threads: 2))
        var random = RandomKey(seed: 1, purpose: .anchor).sequence(id: 0)
        let z = HostTensor((0..<3 * 120).map { _ in random.uniform(-2, 2) }, shape: [3, 120])
        let (images, gradient) = try shapes.hostImagesAndGradient(of: z) {
            HostTensor([Float](repeating: 1, count: $0.elementCount), shape: $0.shape)
        }
        #expect(images.floats == (try shapes.hostImages(latents(z, of: shapes))).floats)
        #expect(gradient.shape == [3, 120] && gradient.floats.contains { abs($0) > 1 })
        let command = try GeneratorSpecification.external(
            command: "true", latent: LatentShape(chunks: 2, dimension: 3), resolution: 8)
        #expect(throws: Failure.self) { _ = try command.makeDifferentiableGenerator(on: CPUBackend.plain(threads: 1)) }
    }
}
