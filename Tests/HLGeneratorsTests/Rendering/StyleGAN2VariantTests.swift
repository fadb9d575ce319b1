import Foundation
import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import Testing

/// Networks that StyleGAN2's code makes besides the usual ones, out of one whose images are known.
@Suite struct StyleGAN2VariantTests {
    private let fixture: NetworkFixture
    private let tensors: NamedTensors
    private let backend: any Backend

    init() throws {
        fixture = try NetworkFixture("stylegan2_a.safetensors", expected: "stylegan2_a")
        tensors = try Safetensors.read(path: fixturePath("stylegan2_a.safetensors")).tensors
        backend = try CPUBackend.plain(threads: 2)
    }

    /// The network with some of its tensors changed, and nil for those that it is to lack.
    private func variant(
        noise: NoiseMode = .const, _ change: (_ name: String, _ tensor: HostTensor) throws -> HostTensor?
    ) throws -> StyleGAN2 {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())").path
        defer { unlink(path) }
        let changed = try tensors.compactMap { name, tensor in try change(name, tensor).map { (name, $0) } }
        try Safetensors.write(TensorFile(tensors: NamedTensors(changed)), to: path)
        var settings = RenderingSettings()
        settings.noise = noise
        let file = try GeneratorFile.open(path: path)
        let specification = try StyleGAN2.specification(of: file, path: path, digest: "", rendering: settings)
        return try StyleGAN2(specification, file: file, backend: backend)
    }

    private func refusal(_ change: (_ name: String, _ tensor: HostTensor) throws -> HostTensor?) -> Failure? {
        #expect(throws: Failure.self) { try variant(change) }
    }

    private func isToRGB(_ name: String) -> Bool { name.hasSuffix("torgb.weight") || name.hasSuffix("torgb.bias") }

    /// A network of one channel that has the weights of R: its images are R in all three.
    @Test func greyImages() throws {
        let grey = try variant { name, tensor in isToRGB(name) ? tensor.rows(0..<1) : tensor }
        let images = try grey.render(z: try fixture.tensor("z"))
        let expected = try fixture.tensor("image"), area = 32 * 32
        #expect(images.shape == expected.shape)
        for sample in 0..<expected.rowCount {
            let red = expected.rows(sample..<sample + 1).floats[..<area]
            for channel in 0..<3 {
                let found = images.rows(sample..<sample + 1).floats[channel * area..<(channel + 1) * area]
                #expect(zip(found, red).allSatisfy { abs($0 - $1) < 1e-4 })
            }
        }
    }

    /// `use_noise=False`: neither strengths nor images are in the file.
    @Test func networksWithoutNoise() throws {
        let expected = try fixture.tensor("none.image")
        let z = try fixture.tensor("z").rows(0..<expected.rowCount)
        for mode in [NoiseMode.const, .none] {
            let network = try variant(noise: mode) { name, tensor in name.contains(".noise_") ? nil : tensor }
            #expect(distance(try network.render(z: z), expected) < 1e-4)
        }
        let random = #expect(throws: Failure.self) {
            try variant(noise: .random) { name, tensor in name.contains(".noise_") ? nil : tensor }
        }
        #expect(random?.kind == .usage && random?.what.contains("without noise") == true)
        // One of the two is damage.
        #expect(refusal { name, tensor in name.hasSuffix(".noise_const") ? nil : tensor }?.kind == .data)
    }

    @Test func imagesThatStreamsDoNotCarry() {
        let alpha = refusal { name, tensor in
            isToRGB(name) ? HostTensor.concatenate([tensor, tensor.rows(0..<1)]) : tensor
        }
        #expect(alpha?.kind == .incompatible && alpha?.what.contains("4 channels") == true)
        let wide = refusal { name, tensor in
            guard name == "synthesis.b4.const" else { return tensor }
            let values = try convertedToFloat32(tensor).floats
            return HostTensor(values + values, shape: [tensor.shape[0], 4, 8])
        }
        #expect(wide?.kind == .incompatible && wide?.what.contains("4 x 8") == true)
        #expect(wide?.what.contains("not square") == true)
        let filter = refusal { name, tensor in
            name.hasSuffix("resample_filter")
                ? HostTensor([Float](repeating: 1.0 / 9, count: 9), shape: [3, 3]) : tensor
        }
        #expect(filter?.kind == .incompatible && filter?.what.contains("3 x 3 taps") == true)
    }
}
