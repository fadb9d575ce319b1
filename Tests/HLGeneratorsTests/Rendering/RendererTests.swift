import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import Testing

/// A generator whose images say what they were made from: the first value of the latent, its id, view and space.
private final class FakeGenerator: Generator, LatentMapper {
    let specification: GeneratorSpecification
    let backend: any Backend
    var side = 2
    private(set) var calls = 0

    init(mapped: LatentShape? = LatentShape(chunks: 3, dimension: 2), noise: NoiseMode = .const) throws {
        backend = try CPUBackend.plain(threads: 1)
        var settings = RenderingSettings()
        settings.noise = noise
        specification = GeneratorSpecification(
            name: "fake", chunks: 1, dimension: 4, mapped: mapped, resolution: 2, rendering: settings)
    }

    func render(_ views: [Latents], pixels: PixelType) throws -> Tensor {
        calls += 1
        let images = views.flatMap { latents in
            let ids = latents.ids.integers, values = latents.values.floats
            return ids.indices.flatMap { sample in
                let first = values[sample * latents.values.rowSize]
                let space: Float = latents.space == .w ? 1 : 0
                let said = [first, Float(ids[sample]) / 100, Float(latents.view) / 10, space]
                return (0..<3 * side * side).map { said[$0 % 4] }
            }
        }
        let made = backend.tensor(HostTensor(images, shape: [images.count / (3 * side * side), 3, side, side]))
        return pixels == .u8 ? backend.roundPixels(made) : made
    }

    let mappedShape = LatentShape(chunks: 1, dimension: 4)
    func mapped(_ z: Tensor) -> Tensor { z }
}

struct RendererTests {
    private let z = HostTensor([0.25, 0, 0, 0, 0.5, 0, 0, 0], shape: [2, 1, 4])
    private let w = HostTensor([0.75, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], shape: [2, 3, 2])
    private let ids = HostTensor([Int64(7), 8], shape: [2])

    private func first(_ tensors: NamedTensors, view: Int, of given: FakeGenerator? = nil) throws
        -> [[Float]]
    {
        let images = try Renderer(given ?? FakeGenerator()).hostImages(of: view, in: Batch(tensors), pixels: .f32)
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
            try first(["z.0": z], view: 0, of: try FakeGenerator(noise: .random))
        }
        #expect(failure?.kind == .data && failure?.what.contains("id") == true)
    }

    /// Several views in one call, view by view; what the batch has is not rendered.
    @Test func viewsTogether() throws {
        let generator = try FakeGenerator(), backend = generator.backend, renderer = Renderer(generator)
        let batch = try Batch(["id": ids, "z.0": z, "w.1": w])
        let both = try backend.read(renderer.images(of: [0, 1], in: batch, pixels: .f32, on: backend))
        #expect(generator.calls == 1 && both.shape == [4, 3, 2, 2])
        for view in [0, 1] {
            #expect(
                both.rows(2 * view..<2 * view + 2).floats
                    == (try renderer.hostImages(of: view, in: batch, pixels: .f32)).floats)
        }
        let attached = try renderer.attachingImages(to: batch)
        #expect(generator.calls == 4 && attached.tensors["x.1"]?.type == .u8)
        let stored = try Batch(["id": ids, "z.0": z, "x.1": try #require(attached.tensors["x.1"])])
        let mixed = try renderer.separateImages(of: [0, 1], in: stored, on: backend)
        #expect(generator.calls == 5 && mixed.map(\.shape) == [[2, 3, 2, 2], [2, 3, 2, 2]])
        let wide = HostTensor(.u8, shape: [2, 3, 4, 4]) { $0.initializeMemory(as: UInt8.self, repeating: 7) }
        #expect(throws: Failure.self) {
            _ = try renderer.images(of: [0, 1], in: Batch(["id": ids, "z.0": z, "x.1": wide]), on: backend)
        }
    }

    @Test func refusesLatentsOfAnotherGenerator() throws {
        func kind(_ tensors: NamedTensors, _ generator: FakeGenerator? = nil) -> Failure.Kind? {
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
        #expect(try kind(["id": ids, "z.0": z, "w.0": w], FakeGenerator(mapped: nil)) == .incompatible)
        let wrong = try FakeGenerator()
        wrong.side = 3
        #expect(kind(["id": ids, "z.0": z], wrong) == .software)
    }

    /// Images that are attached are held to what the stream promises, as those of a command are.
    @Test func attachedPixelsAreChecked() throws {
        let backend = try CPUBackend.plain(threads: 1)
        func failure(_ value: Float, _ ids: HostTensor?) throws -> Failure? {
            var values = [Float](repeating: 0.5, count: 24)
            values[13] = value
            var tensors: NamedTensors = ["x.0": HostTensor(values, shape: [2, 3, 2, 2])]
            tensors["id"] = ids
            let batch = try Batch(tensors), renderer = try Renderer(StreamHeader(), on: backend)
            var found: Failure?
            let ways: [() throws -> Void] = [
                { _ = try renderer.hostImages(of: 0, in: batch) },
                { _ = try renderer.images(of: [0], in: batch, on: backend) },
                { _ = try renderer.separateImages(of: [0], in: batch, on: backend) },
                { _ = try renderer.attachingImages(to: batch) },
            ]
            for (number, way) in ways.enumerated() {
                var failure: Failure?
                do { try way() } catch { failure = error as? Failure }
                #expect(number == 0 || failure == found)
                found = failure
            }
            return found
        }
        for fine in [Float(0), 1, 0.25] { #expect(try failure(fine, ids) == nil) }
        for (stray, remedy) in [(Float(255), "255"), (-1.7, "normalisation"), (1.01, "U8"), (.nan, "stage")] {
            let refused = try failure(stray, ids)
            #expect(refused?.kind == .data && refused?.what.hasPrefix("x.0 of sample 8 has a pixel of ") == true)
            #expect(refused?.remedy.contains(remedy) == true)
        }
        #expect(try failure(2, nil)?.what.hasPrefix("x.0 of one of the samples") == true)
    }

    @Test func latentsThatAreNoNumbersAreNotRendered() throws {
        let bad = HostTensor([0.25, 0, 0, 0, 0.5, .nan, 0, 0], shape: [2, 1, 4])
        let refused = #expect(throws: Failure.self) { try first(["id": ids, "z.0": bad], view: 0) }
        #expect(refused?.kind == .data && refused?.what == "z.0 of sample 8 holds a NaN or an infinity")
    }

    /// A generator that this version does not know, or whose weights are not there, is asked for where an image is missing.
    @Test func imagesThatAreThereNeedNoGenerator() throws {
        let backend = try CPUBackend.plain(threads: 1)
        let images = HostTensor([Float](repeating: 0.5, count: 24), shape: [2, 3, 2, 2])
        let gone = GeneratorSpecification(
            name: "bigbigan", chunks: 6, dimension: 20, resolution: 8, weights: "no-such-folder/weights.pth")
        for (json, kind) in [(["name": "mygan"] as JSONValue, Failure.Kind.incompatible), (gone.json, .noInput)] {
            let header = StreamHeader(generator: json), renderer = try Renderer(header, on: backend)
            let whole = try Batch(["id": ids, "x.0": images, "x.1": images])
            #expect(try renderer.images(of: [0, 1], in: whole, on: backend).shape == [4, 3, 2, 2])
            #expect(try renderer.attachingImages(to: whole).tensors.names == ["id", "x.0", "x.1"])
            for part in [["id": ids, "z.0": z], ["id": ids, "x.0": images, "z.0": z, "z.1": z]] as [NamedTensors] {
                let refused = #expect(throws: Failure.self) { _ = try renderer.attachingImages(to: try Batch(part)) }
                #expect(refused?.kind == kind)
            }
            let early = #expect(throws: Failure.self) { try renderer.requireGenerator() }
            #expect(early?.kind == kind)
            #expect(try (GeneratorSpecification.ifKnown(by: header) == nil) == (kind == .incompatible))
        }
        try Renderer(StreamHeader(), on: backend).requireGenerator()
    }

    @Test func classesHaveNames() throws {
        let shapes = try GeneratorSpecification.named("shapes")
        #expect(StreamHeader(generator: shapes.json).classNames?.count == 10)
        #expect(StreamHeader(data: ["classes": ["a", "b"]]).classNames == ["a", "b"])
        #expect(StreamHeader(generator: ["name": "mygan", "classes": ["c"]]).classNames == ["c"])
        #expect(StreamHeader(generator: ["name": "bigbigan"]).classNames == nil && StreamHeader().classNames == nil)
    }

    @Test func knowsItsMapper() throws {
        #expect(try Renderer(FakeGenerator()).mapper != nil)
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
