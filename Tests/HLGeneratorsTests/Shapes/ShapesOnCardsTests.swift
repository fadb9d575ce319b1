import HLCompute
import HLGenerators
import HLNet
import HLTensor
import TestSupport
import Testing

/// The built-in generator on a card, which is an emulated one.
struct ShapesOnCardsTests {
    private let device = EmulatedDevice()

    private func generator() throws -> any DifferentiableGenerator {
        try GeneratorSpecification.named("shapes", resolution: 20)
            .makeDifferentiableGenerator(on: CUDABackend(on: device, threads: 1))
    }

    private let count = 300
    private var z: HostTensor { HostTensor(ShapesTests.latents(count, seed: 11), shape: [count, 6, 20]) }

    /// Latents go to the card; images stay there.
    @Test(arguments: PixelType.allCases) func imagesStay(pixels: PixelType) throws {
        let shapes = try generator(), ids = HostTensor([Int64](repeating: 0, count: count), shape: [count])
        let images = try shapes.render([Latents(z, ids: ids)], pixels: pixels)
        #expect(device.uploaded == 4 * z.elementCount && device.downloaded == 0)
        let others = try ShapesTests.generator(size: 20).render([Latents(z, ids: ids)], pixels: pixels)
        let found = try shapes.backend.read(images), expected = try CPUBackend.plain(threads: 1).read(others)
        #expect(found.type == (pixels == .u8 ? .u8 : .f32) && found.shape == [count, 3, 20, 20])
        #expect(found.withUnsafeBytes { found in expected.withUnsafeBytes { found.elementsEqual($0) } })
        #expect(device.downloaded == found.elementCount * found.type.size)
    }

    /// Nothing travels between latents on the card and their gradient.
    @Test func gradientsStay() throws {
        let shapes = try generator(), pass = Pass(Tape(shapes.backend), training: false)
        let input = Variable(shapes.backend.tensor(z.reshaped([count, 120])), requiresGradient: true)
        let before = device.uploaded, ids = [Int64](repeating: 0, count: count)
        let images = try shapes.images(input, ids: ids, view: 1, substituting: nil, pass)
        pass.tape.backward(from: images, gradient: images.value)
        let gradient = try #require(input.takeGradient())
        #expect(device.uploaded == before && device.downloaded == 0)
        let expected = try ShapesTests.generator(size: 20, threads: 2).hostImagesAndGradient(of: z) { $0 }
        expectClose(try shapes.backend.read(gradient), expected.gradient, 5e-6, "gradient")
    }
}
