import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import Testing

/// A generator whose images say what they were made from: the first value of the latent, its id, view and space.
private final class FakeGenerator: Generator, LatentMapper {
    let specification: GeneratorSpecification
    var side = 2

    init(mapped: LatentShape? = LatentShape(chunks: 3, dimension: 2), noise: NoiseMode = .const) {
        var settings = RenderingSettings()
        settings.noise = noise
        specification = GeneratorSpecification(
            name: "fake", chunks: 1, dimension: 4, mapped: mapped, resolution: 2, rendering: settings)
    }

    func render(_ latents: Latents) throws -> HostTensor {
        let ids = latents.ids.integers, values = latents.values.floats
        let pixels = ids.indices.flatMap { sample in
            let first = values[sample * latents.values.rowSize]
            let space: Float = latents.space == .w ? 1 : 0
            let said = [first, Float(ids[sample]) / 100, Float(latents.view) / 10, space]
            return (0..<3 * side * side).map { said[$0 % 4] }
        }
        return HostTensor(pixels, shape: [ids.count, 3, side, side])
    }

    func map(_ z: HostTensor) throws -> HostTensor { z }
}

struct RendererTests {
    private let z = HostTensor([0.25, 0, 0, 0, 0.5, 0, 0, 0], shape: [2, 1, 4])
    private let w = HostTensor([0.75, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], shape: [2, 3, 2])
    private let ids = HostTensor([Int64(7), 8], shape: [2])

    private func first(_ tensors: NamedTensors, view: Int, of generator: FakeGenerator = FakeGenerator()) throws
        -> [[Float]]
    {
        let images = try Renderer(generator).images(of: view, in: Batch(tensors), pixels: .f32)
        return (0..<images.rowCount).map { Array(images.rows($0..<$0 + 1).floats.prefix(4)) }
    }

    @Test func passesIdsViewAndSpace() throws {
        #expect(try first(["id": ids, "z.2": z], view: 2) == [[0.25, 0.07, 0.2, 0], [0.5, 0.08, 0.2, 0]])
        #expect(try first(["id": ids, "w.1": w], view: 1) == [[0.75, 0.07, 0.1, 1], [1, 0.08, 0.1, 1]])
    }

    @Test func mappedLatentsWin() throws {
        #expect(try first(["id": ids, "z.0": z, "w.0": w], view: 0).map { $0[3] } == [1, 1])
        // The other view's w is nothing to this one.
        #expect(try first(["id": ids, "z.0": z, "z.1": z, "w.0": w], view: 1).map { $0[3] } == [0, 0])
        #expect(Renderer.views(of: try Batch(["id": ids, "z.0": z, "w.0": w, "w.1": w])) == [0, 1])
    }

    @Test func idsMatterToRandomNoiseOnly() throws {
        #expect(try first(["z.0": z], view: 0).map { $0[1] } == [0, 0])
        let failure = #expect(throws: Failure.self) {
            try first(["z.0": z], view: 0, of: FakeGenerator(noise: .random))
        }
        #expect(failure?.kind == .data && failure?.what.contains("id") == true)
    }

    @Test func refusesLatentsOfAnotherGenerator() throws {
        func kind(_ tensors: NamedTensors, _ generator: FakeGenerator = FakeGenerator()) -> Failure.Kind? {
            do {
                _ = try first(tensors, view: 0, of: generator)
                return nil
            } catch {
                return (error as? Failure)?.kind
            }
        }
        #expect(kind(["id": ids, "z.0": z]) == nil)
        #expect(kind(["id": ids, "z.1": z]) == .data)
        #expect(kind(["id": ids, "z.0": z.reshaped([2, 4])]) == .data)
        #expect(kind(["id": ids, "z.0": z.reshaped([2, 2, 2])]) == .incompatible)
        #expect(kind(["id": ids, "w.0": w.reshaped([2, 2, 3])]) == .incompatible)
        #expect(kind(["id": ids, "z.0": z, "w.0": w], FakeGenerator(mapped: nil)) == .incompatible)
        let wrong = FakeGenerator()
        wrong.side = 3
        #expect(kind(["id": ids, "z.0": z], wrong) == .software)
    }

    @Test func knowsItsMapper() throws {
        #expect(Renderer(FakeGenerator()).mapper != nil)
        let shapes = try GeneratorSpecification.named("shapes")
        let backend = try CPUBackend.plain(threads: 1)
        #expect(try Renderer(StreamHeader(generator: shapes.json), on: backend).mapper == nil)
        #expect(throws: Failure.self) { try shapes.makeMapper(on: backend) }
    }

    @Test func missingAndUnknownGenerators() throws {
        let backend = try CPUBackend.plain(threads: 1)
        func kind(_ specification: GeneratorSpecification) -> Failure.Kind? {
            do {
                _ = try specification.makeGenerator(on: backend)
                return nil
            } catch {
                return (error as? Failure)?.kind
            }
        }
        #expect(kind(try .named("shapes")) == nil)
        #expect(kind(try .named("bigbigan")) == .incompatible)
        #expect(kind(try .named("stylegan2")) == .incompatible)
        for name in ["bigbigan", "stylegan2"] {
            let gone = GeneratorSpecification(
                name: name, chunks: 1, dimension: 1, resolution: 8, weights: "no-such-folder/weights.pkl")
            #expect(kind(gone) == .noInput)
        }
        #expect(kind(GeneratorSpecification(name: "biggan", chunks: 1, dimension: 1, resolution: 8)) == .incompatible)
    }
}
