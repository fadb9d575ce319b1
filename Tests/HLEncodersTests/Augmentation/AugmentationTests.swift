import CKernels
import Foundation
import HLEncoders
import HLTensor
import Testing

/// What `make_augmentation_fixtures.py` writes.
struct AugmentationFixture: Decodable {
    struct Case: Decodable {
        let name: String
        let box: [Int32]
        let flip, colour, grey, normalise: Bool
        let order: [UInt8]
        let brightness, contrast, saturation, hue, sigma: Float
        let radius: Int32
        let expected: Data

        var parameters: hl_augment_parameters {
            hl_augment_parameters(
                top: box[0], left: box[1], height: box[2], width: box[3], flip: flip, colour: colour, grey: grey,
                order: (order[0], order[1], order[2], order[3]), brightness: brightness, contrast: contrast,
                saturation: saturation, hue: hue, blur_sigma: sigma, blur_radius: radius)
        }
    }

    struct Crops: Decodable {
        let height, width, draws: Int
        let areaBins: [Int]
        let means, deviations: [String: Double]
    }

    let height, width, size: Int
    let mean, deviation: [Float]
    let image: Data
    let cases: [Case]
    let crops: [Crops]

    static func load() throws -> AugmentationFixture {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/augmentation", withExtension: "json"))
        return try JSONDecoder().decode(AugmentationFixture.self, from: Data(contentsOf: url))
    }

    /// `count` copies of the image as U8, and as F32.
    func images(count: Int) -> (u8: HostTensor, f32: HostTensor) {
        let bytes = [UInt8](image)
        let shape = [count, 3, height, width]
        let u8 = HostTensor(.u8, shape: shape) { target in
            for copy in 0..<count {
                UnsafeMutableRawBufferPointer(rebasing: target[(copy * bytes.count)...]).copyBytes(from: bytes)
            }
        }
        let one = bytes.map { Float($0) / 255 }
        return (u8, HostTensor((0..<count).flatMap { _ in one }, shape: shape))
    }
}

private func floats(_ data: Data) -> [Float] {
    let bytes = [UInt8](data)
    return stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
    }
}

private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).map { abs($0 - $1) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
}

@Suite struct AugmentationParityTests {
    @Test func everyOperationAndWholeChainsAgreeWithTorchvision() throws {
        let fixture = try AugmentationFixture.load()
        let images = fixture.images(count: 1)
        #expect(fixture.cases.count >= 20)
        for one in fixture.cases {
            for image in [images.u8, images.f32] {
                let result = try Augmentation.apply(
                    images: image, parameters: [one.parameters], size: fixture.size, threads: 1,
                    mean: one.normalise ? fixture.mean : [0, 0, 0],
                    deviation: one.normalise ? fixture.deviation : [1, 1, 1])
                #expect(result.shape == [1, 3, fixture.size, fixture.size])
                let difference = largestDifference(result.floats, floats(one.expected))
                let tolerance: Float = one.colour && one.hue != 0 ? 2e-4 : 2e-5
                #expect(difference < tolerance, "\(one.name), \(image.type): off by \(difference)")
            }
        }
    }

    @Test func pixelTypesAgree() throws {
        let fixture = try AugmentationFixture.load()
        let count = 64
        let images = fixture.images(count: count)
        let parameters = (0..<count).map {
            Augmentation(.simclr).parameters(
                id: Int64($0), view: 0, epoch: 0, seed: 3, imageHeight: fixture.height, imageWidth: fixture.width)
        }
        let bytes = try Augmentation.apply(
            images: images.u8, parameters: parameters, size: fixture.size, threads: 2, mean: [0, 0, 0],
            deviation: [1, 1, 1])
        let reals = try Augmentation.apply(
            images: images.f32, parameters: parameters, size: fixture.size, threads: 2, mean: [0, 0, 0],
            deviation: [1, 1, 1])
        #expect(largestDifference(bytes.floats, reals.floats) < 1e-5)
    }
}

@Suite struct AugmentationBatchTests {
    private static let count = 37

    private func batch() throws -> (HostTensor, [hl_augment_parameters]) {
        var augmentation = Augmentation(.simclr)
        augmentation.blurProbability = 0.5
        var random = RandomKey(seed: 1, purpose: .anchor).sequence(id: 0)
        let pixels = (0..<Self.count * 3 * 32 * 32).map { _ in random.uniform() }
        let parameters = (0..<Self.count).map {
            augmentation.parameters(id: Int64($0), view: 1, epoch: 2, seed: 7, imageHeight: 32, imageWidth: 32)
        }
        return (HostTensor(pixels, shape: [Self.count, 3, 32, 32]), parameters)
    }

    @Test func neitherThreadsNorOrderNorBatchSizeChangeABit() throws {
        let (images, parameters) = try batch()
        let whole = try Augmentation.apply(images: images, parameters: parameters, size: 28, threads: 1)
        let threaded = try Augmentation.apply(images: images, parameters: parameters, size: 28, threads: 5)
        #expect(whole.floats == threaded.floats)

        let order = (0..<Self.count).map { ($0 * 10 + 3) % Self.count }
        let shuffled = try Augmentation.apply(
            images: images.gather(order), parameters: order.map { parameters[$0] }, size: 28, threads: 3)
        #expect(shuffled.floats == whole.gather(order).floats)

        let alone = try Augmentation.apply(
            images: images.rows(9..<10), parameters: [parameters[9]], size: 28, threads: 4)
        #expect(alone.floats == whole.rows(9..<10).floats)
        #expect(Set(whole.floats).count > 1000)
    }

    @Test func anEmptyBatchIsAllowed() throws {
        let empty = HostTensor([Float](), shape: [0, 3, 8, 8])
        let result = try Augmentation.apply(images: empty, parameters: [], size: 7, threads: 2)
        #expect(result.shape == [0, 3, 7, 7])
    }

    @Test func imagesOfAnotherTypeOrShapeAreRefused() throws {
        let parameters = [Augmentation.centreCrop(imageHeight: 8, imageWidth: 8, size: 7)]
        let bad = [
            HostTensor(.i32, shape: [1, 3, 8, 8]) { $0.initializeMemory(as: UInt8.self, repeating: 0) },
            HostTensor([Float](repeating: 0, count: 192), shape: [3, 8, 8]),
            HostTensor([Float](repeating: 0, count: 64), shape: [1, 1, 8, 8]),
            HostTensor([Float](), shape: [1, 3, 0, 8]),
        ]
        for images in bad {
            let failure = #expect(throws: Failure.self) {
                try Augmentation.apply(images: images, parameters: parameters, size: 7, threads: 1)
            }
            #expect(failure?.kind == .data)
        }
    }

    @Test func parametersThatReachOutsideTheImageAreRefused() throws {
        let images = HostTensor([Float](repeating: 0.5, count: 192), shape: [1, 3, 8, 8])
        let good = Augmentation.centreCrop(imageHeight: 8, imageWidth: 8, size: 7)
        let changes: [(inout hl_augment_parameters) -> Void] = [
            { $0.top = -1 }, { $0.left = 2 }, { $0.height = 0 }, { $0.width = 9 }, { $0.order = (0, 1, 2, 2) },
            { $0.order = (0, 1, 2, 4) },
            {
                $0.blur_radius = 7
                $0.blur_sigma = 1
            }, { $0.blur_radius = 1 },
        ]
        for change in changes {
            var parameters = good
            change(&parameters)
            let failure = #expect(throws: Failure.self) {
                try Augmentation.apply(images: images, parameters: [parameters], size: 7, threads: 1)
            }
            #expect(failure?.kind == .software)
        }
        #expect(throws: Failure.self) {
            try Augmentation.apply(images: images, parameters: [good, good], size: 7, threads: 1)
        }
    }
}
