import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import TestSupport
import Testing

/// Networks that render in bf16 beside f32.
struct NarrowRenderingTests {
    static let networks = [
        ("bigbigan_tiny.pth", "bigbigan_tiny"), ("bigbigan_128.safetensors", "bigbigan_128"),
        ("stylegan2_a.safetensors", "stylegan2_a"), ("stylegan2_clamp.pkl", "stylegan2_clamp"),
    ]

    /// Nearly all pixels are as good as the same, and none is far off; gradients point the same way.
    @Test(arguments: networks) func pixelsStay(_ file: String, _ expected: String) throws {
        let fixture = try NetworkFixture(file, expected: expected), z = try fixture.tensor("z")
        for backend in try backends() {
            let wide = try fixture.network(backend).render(z: z)
            let network = try fixture.network(backend) { $0.precision = .bf16 }
            let narrow = try network.render(z: z)
            let differences = zip(wide.floats, narrow.floats).map { abs($0 - $1) * 255 }
            #expect(differences.contains { $0 > 0 })
            let near = differences.filter { $0 <= 2 }.count
            #expect(Double(near) >= 0.98 * Double(differences.count), "\(backend.summary)")
            #expect(differences.allSatisfy { $0 <= 12 }, "\(backend.summary)")
            #expect(try network.render(z: z).floats == narrow.floats)
        }
    }

    /// A header that wants bf16 is refused by a fast backend on a processor without it, and only there.
    @Test func refusedWhereItIsMissing() throws {
        let backend = try PrimitiveBackend()
        var options = GeneratorOptionValues()
        options.set("--precision", Precision.bf16)
        let specification = try GeneratorSpecification.fromWeights(
            path: fixturePath("bigbigan_tiny.pth"), options: options)
        #expect(specification.rendering.precision == .bf16)
        backend.bf16 = .missing
        #expect { try specification.makeGenerator(on: backend) } throws: { error in
            (error as? Failure)?.kind == .incompatible && "\(error)".contains("bf16")
        }
    }
}
