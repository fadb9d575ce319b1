import Foundation
import HLCompute
import HLFormats
import HLGenerators
import HLNet
import HLTensor
import TestSupport
import Testing

func fixturePath(_ name: String) -> String {
    Bundle.module.resourceURL!.appendingPathComponent("Fixtures/\(name)").path
}

/// A network of a fixture and what the public reference code computed with it (Tests/Interchange/make_generators.py).
struct NetworkFixture {
    let file: GeneratorFile
    let expected: NamedTensors

    init(_ file: String, expected: String) throws {
        self.file = try GeneratorFile.open(path: fixturePath(file))
        self.expected = try Safetensors.read(path: fixturePath("\(expected)_expected.safetensors")).tensors
    }

    func network(
        _ backend: any Backend, phaseSide: Int = StyleGAN2.phaseSide,
        _ change: (inout RenderingSettings) -> Void = { _ in }
    ) throws -> any NetworkGenerator {
        var settings = RenderingSettings()
        change(&settings)
        let specification =
            file.architecture == "bigbigan"
            ? try BigBiGAN.specification(of: file, path: file.path, digest: "", rendering: settings)
            : try StyleGAN2.specification(of: file, path: file.path, digest: "", rendering: settings)
        return file.architecture == "bigbigan"
            ? try BigBiGAN(specification, file: file, backend: backend)
            : try StyleGAN2(specification, file: file, backend: backend, phaseSide: phaseSide)
    }

    func tensor(_ name: String) throws -> HostTensor { try convertedToFloat32(#require(expected[name], "\(name)")) }
}

func backends() throws -> [any Backend] { try testedBackends.map { try $0.make(threads: 2) } }

/// The largest difference between two tensors.
func distance(_ a: HostTensor, _ b: HostTensor) -> Float {
    zip(a.floats, b.floats).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

func magnitude(_ a: HostTensor) -> Float { a.floats.reduce(0) { max($0, abs($1)) } }

extension NetworkGenerator {
    func render(z: HostTensor, space: LatentSpace = .z) throws -> HostTensor {
        let shape = try #require(specification.shape(in: space))
        let values = z.reshaped([z.rowCount, shape.chunks, shape.dimension])
        let ids = HostTensor((0..<Int64(z.rowCount)).map { $0 }, shape: [z.rowCount])
        return try hostImages(Latents(values, space: space, ids: ids))
    }

    /// The gradient of Σ cotangent · image with regard to z, [B, d].
    func gradient(z: HostTensor, cotangent: HostTensor) throws -> HostTensor {
        let tape = Tape(backend)
        let input = Variable(backend.tensor(z), requiresGradient: true)
        let images = images(input, space: .z, noise: nil, Pass(tape, training: false))
        tape.backward(from: images, gradient: backend.tensor(cotangent))
        return try backend.read(try #require(input.takeGradient()))
    }
}

@Suite struct BigBiGANTests {
    @Test(arguments: [
        ("bigbigan_tiny.pth", "bigbigan_tiny"), ("bigbigan_32.safetensors", "bigbigan_32"),
        ("bigbigan_64.safetensors", "bigbigan_64"), ("bigbigan_128.safetensors", "bigbigan_128"),
    ])
    func imagesAndGradientsFollowTheReference(_ file: String, _ expected: String) throws {
        let fixture = try NetworkFixture(file, expected: expected)
        for backend in try backends() {
            let network = try fixture.network(backend)
            let images = try network.render(z: try fixture.tensor("z"))
            #expect(distance(images, try fixture.tensor("image")) < 1e-4)
            let reference = try fixture.tensor("z_grad")
            let gradient = try network.gradient(z: try fixture.tensor("z"), cotangent: try fixture.tensor("cotangent"))
            #expect(distance(gradient, reference) < 1e-3 * magnitude(reference))
        }
    }

    @Test(arguments: ["bigbigan_tiny", "bigbigan_32", "bigbigan_64"]) func classes(_ name: String) throws {
        let fixture = try NetworkFixture("\(name).safetensors", expected: name)
        let network = try fixture.network(try CPUBackend.plain(threads: 2)) { $0.classIndex = 3 }
        let images = try network.render(z: try fixture.tensor("class3.z"))
        #expect(distance(images, try fixture.tensor("class3.image")) < 1e-4)
    }

    @Test func aClassThatIsNotThere() throws {
        let fixture = try NetworkFixture("bigbigan_tiny.safetensors", expected: "bigbigan_tiny")
        #expect(throws: Failure.self) {
            _ = try fixture.network(try CPUBackend.plain(threads: 1)) { $0.classIndex = 7 }
        }
    }
}

@Suite struct StyleGAN2Tests {
    static let networks = [
        ("stylegan2_a.pkl", "stylegan2_a"), ("stylegan2_a.safetensors", "stylegan2_a"),
        ("stylegan2_b.pkl", "stylegan2_b"), ("stylegan2_c_3.pkl", "stylegan2_c"), ("stylegan2_c_4.pkl", "stylegan2_c"),
        ("stylegan2_c_5.pkl", "stylegan2_c"), ("stylegan2_clamp.pkl", "stylegan2_clamp"),
        ("stylegan2_tf.pkl", "stylegan2_tf"), ("stylegan2_tf_python2.pkl", "stylegan2_tf"),
    ]

    @Test(arguments: networks) func imagesAndGradientsFollowTheReference(_ file: String, _ expected: String) throws {
        let fixture = try NetworkFixture(file, expected: expected)
        // Upsampling by transposed convolutions, and by phases.
        for (backend, phaseSide) in try backends().flatMap({ [($0, 128), ($0, 8)] }) {
            let network = try fixture.network(backend, phaseSide: phaseSide)
            let z = try fixture.tensor("z")
            #expect(distance(try network.render(z: z), try fixture.tensor("image")) < 1e-4)
            let reference = try fixture.tensor("z_grad")
            let gradient = try network.gradient(z: z, cotangent: try fixture.tensor("cotangent"))
            #expect(distance(gradient, reference) < 1e-3 * magnitude(reference))
        }
    }

    @Test(arguments: networks) func mappedLatents(_ file: String, _ expected: String) throws {
        let fixture = try NetworkFixture(file, expected: expected)
        let backend = try CPUBackend.plain(threads: 2)
        let z = try fixture.tensor("z")
        let latents = z.reshaped([z.rowCount, 1, z.rowSize])
        let network = try #require(try fixture.network(backend) as? StyleGAN2)
        #expect(distance(try network.map(latents), try fixture.tensor("w")) < 1e-4)
        let fromW = try network.render(z: try fixture.tensor("w"), space: .w)
        #expect(distance(fromW, try fixture.tensor("image")) < 1e-4)
        let truncating = try #require(
            try fixture.network(backend) {
                $0.psi = 0.7
                $0.cutoff = 4
            } as? StyleGAN2)
        #expect(distance(try truncating.map(latents), try fixture.tensor("w_truncated")) < 1e-4)
        let few = try fixture.tensor("truncated.image")
        #expect(distance(try truncating.render(z: z.rows(0..<few.rowCount)), few) < 1e-4)
        // Differentiable all the way, as well.
        let pass = Pass(Tape(backend, recording: false), training: false)
        let direct = truncating.images(Variable(backend.tensor(z)), space: .z, noise: nil, pass)
        #expect(distance(try backend.read(direct.value).rows(0..<few.rowCount), few) < 1e-4)
    }

    @Test(arguments: networks) func withoutNoise(_ file: String, _ expected: String) throws {
        let fixture = try NetworkFixture(file, expected: expected)
        let network = try fixture.network(try CPUBackend.plain(threads: 2)) { $0.noise = .none }
        let expected = try fixture.tensor("none.image")
        let z = try fixture.tensor("z").rows(0..<expected.rowCount)
        #expect(distance(try network.render(z: z), expected) < 1e-4)
    }

    @Test func classes() throws {
        let fixture = try NetworkFixture("stylegan2_c_4.pkl", expected: "stylegan2_c")
        let network = try fixture.network(try CPUBackend.plain(threads: 2)) { $0.classIndex = 3 }
        #expect(
            distance(try network.render(z: try fixture.tensor("class3.z")), try fixture.tensor("class3.image")) < 1e-4)
    }
}

/// One result, whatever is rendered beside it.
@Suite struct RenderingTests {
    @Test(arguments: [("bigbigan_32.safetensors", "bigbigan_32"), ("stylegan2_a.pkl", "stylegan2_a")])
    func aSamplesPixelsDependOnNoOther(_ file: String, _ expected: String) throws {
        let fixture = try NetworkFixture(file, expected: expected)
        let z = try fixture.tensor("z")
        let network = try fixture.network(try TestedBackend.fastest.make(threads: 2))
        // 37 samples fill no whole number of micro-batches.
        let many = z.gather((0..<37).map { $0 % z.rowCount })
        let together = try network.render(z: many)
        for first in 0..<z.rowCount {
            let alone = try network.render(z: z.rows(first..<first + 1)).floats
            for copy in stride(from: first, to: 37, by: z.rowCount) {
                #expect(together.rows(copy..<copy + 1).floats == alone)
            }
        }
    }

    /// A record may be empty: its images are none, of the type that was asked for, and its views are cut out of them.
    @Test func noSamples() throws {
        let fixture = try NetworkFixture("bigbigan_32.safetensors", expected: "bigbigan_32")
        let network = try fixture.network(try CPUBackend.plain(threads: 2)), shape = network.specification.base
        let latents = Latents(
            HostTensor([Float](), shape: [0, shape.chunks, shape.dimension]), ids: HostTensor([Int64](), shape: [0]))
        for pixels in PixelType.allCases {
            let images = try network.render([latents, latents], pixels: pixels)
            let view = network.backend.rows(images, 0..<0)
            #expect(images.shape == [0, 3, 32, 32] && view.shape == images.shape)
            #expect(view.type == (pixels == .u8 ? .u8 : .f32))
        }
    }

    @Test func zAndTheWMadeOfItGiveTheSamePixels() throws {
        let fixture = try NetworkFixture("stylegan2_a.pkl", expected: "stylegan2_a")
        let z = try fixture.tensor("z")
        let network = try #require(try fixture.network(try TestedBackend.fastest.make(threads: 2)) as? StyleGAN2)
        let latents = z.reshaped([z.rowCount, 1, z.rowSize])
        let alone = try StyleGAN2Mapping(
            network.specification, file: fixture.file, backend: CPUBackend.plain(threads: 1))
        let w = try alone.map(latents)
        #expect(w.floats == (try network.map(latents)).floats)
        let whole = w.reshaped([z.rowCount, w.rowSize])
        #expect(try network.render(z: z).floats == (try network.render(z: whole, space: .w)).floats)
    }

    @Test func randomNoiseComesFromSeedSampleAndView() throws {
        let fixture = try NetworkFixture("stylegan2_a.pkl", expected: "stylegan2_a")
        let z = try fixture.tensor("z"), values = z.reshaped([z.rowCount, 1, z.rowSize])
        func images(ids: [Int64], view: Int = 0, seed: UInt64 = 0) throws -> HostTensor {
            let network = try fixture.network(try CPUBackend.plain(threads: 2)) {
                $0.noise = .random
                $0.noiseSeed = seed
            }
            return try network.hostImages(Latents(values, ids: HostTensor(ids, shape: [4]), view: view))
        }
        let first = try images(ids: [0, 1, 2, 3])
        #expect(first.floats == (try images(ids: [0, 1, 2, 3])).floats)
        #expect(distance(first, try images(ids: [0, 1, 2, 4])) > 1e-3)
        #expect(distance(first.rows(0..<3), try images(ids: [0, 1, 2, 4]).rows(0..<3)) == 0)
        #expect(distance(first, try images(ids: [0, 1, 2, 3], view: 1)) > 1e-3)
        #expect(distance(first, try images(ids: [0, 1, 2, 3], seed: 1)) > 1e-3)
    }

    /// A crop of the middle, and a reduction by 3 to the pixels in the middle of each 3 × 3 without antialiasing.
    @Test func cropAndResize() throws {
        let fixture = try NetworkFixture("stylegan2_a.safetensors", expected: "stylegan2_a")
        let z = try fixture.tensor("z"), backend = try CPUBackend.plain(threads: 2)
        let whole = try fixture.network(backend).render(z: z).floats
        let small = try fixture.network(backend) {
            $0.crop = 24
            $0.size = 8
            $0.filter = .bilinear
        }.render(z: z)
        #expect(small.shape == [4, 3, 8, 8])
        for plane in 0..<12 {
            for y in 0..<8 {
                for x in 0..<8 {
                    let expected = whole[(plane * 32 + 4 + 3 * y + 1) * 32 + 4 + 3 * x + 1]
                    #expect(abs(small.floats[(plane * 8 + y) * 8 + x] - expected) < 1e-6)
                }
            }
        }
    }
}
