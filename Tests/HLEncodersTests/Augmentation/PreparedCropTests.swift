import HLCompute
import HLEncoders
import HLFormats
import HLTensor
import TestSupport
import Testing

/// The crop of T_x before training is the one that training makes.
@Suite struct PreparedCropTests {
    private func crop(_ framing: Framing) throws -> ImageCrop {
        guard case .crop(let crop) = framing else { throw Failure(.software, "no crop", "") }
        return crop
    }

    /// Rectangles, flips and words of what is left, for every seed, view, epoch and id.
    @Test func rectanglesAreThoseOfTraining() throws {
        let augmentation = Augmentation(.simclr)
        for seed in [UInt64(0), 7] {
            let square = PreparedCrop(.square, side: 64, views: 3, seed: seed)
            let image = PreparedCrop(.image, side: 64, views: 3, seed: seed)
            for epoch in 0..<2 {
                for id in Int64(0)..<40 {
                    // Of its own size, of twice and of three and a half times it with something on both sides.
                    let plain = try square.framings(id: id, epoch: epoch, width: 64, height: 64)
                    let double = try square.framings(id: id, epoch: epoch, width: 128, height: 128)
                    let wide = try square.framings(id: id, epoch: epoch, width: 448, height: 224)
                    let whole = try image.framings(id: id, epoch: epoch, width: 100, height: 80)
                    for view in 0..<3 {
                        let own = augmentation.parameters(
                            id: id, view: view, epoch: epoch, seed: seed, imageHeight: 64, imageWidth: 64)
                        let box = [own.left, own.top, own.width, own.height].map(Double.init)
                        func sides(_ crop: ImageCrop) -> [Double] { [crop.left, crop.top, crop.width, crop.height] }
                        let first = try crop(plain[view])
                        #expect(sides(first) == box && first.isMirrored == own.flip)
                        #expect(try sides(crop(double[view])) == box.map { 2 * $0 })
                        let shifted = [box[0] * 3.5 + 112, box[1] * 3.5, box[2] * 3.5, box[3] * 3.5]
                        #expect(try sides(crop(wide[view])) == shifted)
                        let free = augmentation.parameters(
                            id: id, view: view, epoch: epoch, seed: seed, imageHeight: 80, imageWidth: 100)
                        let full = try crop(whole[view])
                        #expect(sides(full) == [free.left, free.top, free.width, free.height].map(Double.init))
                        // What is left of T_x is drawn from the same words.
                        var prepared = augmentation
                        prepared.isCropPrepared = true
                        let rest = prepared.parameters(
                            id: id, view: view, epoch: epoch, seed: seed, imageHeight: 56, imageWidth: 56, size: 56)
                        #expect(rest.hue == own.hue && rest.grey == own.grey && rest.brightness == own.brightness)
                        #expect(rest.colour == own.colour && rest.order == own.order && !rest.flip)
                        #expect(rest.top == 0 && rest.left == 0 && rest.height == 56 && rest.width == 56)
                    }
                }
            }
        }
    }

    /// A ramp, where it makes no difference that one filter widens with the reduction and the other does not.
    @Test(arguments: testedBackends) func pixelsAreThoseOfTraining(_ choice: TestedBackend) throws {
        let side = 64, count = 12, size = Augmentation.cropSize(renderSide: side)
        let image = Image(width: side, height: side) { pixels in
            for index in pixels.indices {
                let (x, y) = (Double(index % side), Double(index / side % side))
                pixels[index] = UInt8([10 + 3.5 * x, 10 + 3.5 * y, 230 - 1.7 * (x + y)][index / side / side])
            }
        }
        let prepared = PreparedCrop(.square, side: side, views: 1, seed: 3)
        let made = HostBuffer(count: count * 3 * size * size)
        for id in 0..<count {
            let target = (made.pointer + id * 3 * size * size).assumingMemoryBound(to: UInt8.self)
            let place = { (_: Int) in target }
            try EncodedImage(image, name: "image").make(side: size, scaled: true, into: place) {
                try prepared.framings(id: Int64(id), epoch: 0, width: $0, height: $1)
            }
        }
        let crops = HostTensor(.u8, shape: [count, 3, size, size], in: made, at: 0)
        let whole = HostTensor.concatenate((0..<count).map { _ in image.pixels.reshaped([1, 3, side, side]) })
        for set in [AugmentationSet.noColor, .simclr] {
            let all = Augmentation(set)
            var rest = all
            rest.isCropPrepared = true
            func parameters(_ augmentation: Augmentation, _ side: Int) -> [AugmentationParameters] {
                (0..<count).map {
                    augmentation.parameters(
                        id: Int64($0), view: 0, epoch: 0, seed: 3, imageHeight: side, imageWidth: side, size: size)
                }
            }
            let b = try choice.make(threads: 1)
            let expected = try b.read(
                Augmentation.apply(b.tensor(whole), parameters(all, side), size: size, on: b))
            let found = try b.read(Augmentation.apply(b.tensor(crops), parameters(rest, size), size: size, on: b))
            #expect(found.shape == expected.shape)
            // A level is 0.017 of a deviation; one of rounding and two between the filters at edges. Colours amplify it.
            let largest = zip(found.floats, expected.floats).map { abs($0 - $1) }.max() ?? .infinity
            let mean =
                zip(found.floats, expected.floats).map { abs($0 - $1) }.reduce(0, +) / Float(found.floats.count)
            #expect(
                mean < (set == .noColor ? 0.01 : 0.03) && largest < (set == .noColor ? 0.05 : 0.3), "\(mean) \(largest)"
            )
        }
    }

    @Test func aStreamSaysWhichCropItHas() throws {
        let crop = PreparedCrop(.image, side: 128, views: 2, seed: .max)
        var header = StreamHeader(data: ["kind": "imagefolder"])
        #expect(try PreparedCrop(header) == nil)
        header.metadata[PreparedCrop.key] = crop.json.text
        #expect(try PreparedCrop(header) == crop)
        #expect(crop.size == 112)
        for (old, new, kind) in [
            ("\"side\":128", "\"side\":0", Failure.Kind.data), ("\"of\":\"image\"", "\"of\":\"disc\"", .data),
            ("\"flip\":0.5", "\"flip\":0.25", .incompatible), ("\"size\":112", "\"size\":96", .incompatible),
            ("random_resized", "ten", .incompatible), ("{", "[", .data), ("\"views\":2", "\"views\":-2", .data),
        ] {
            #expect(crop.json.text.contains(old))
            header.metadata[PreparedCrop.key] = crop.json.text.replacing(old, with: new)
            #expect(failure { _ = try PreparedCrop(header) }?.kind == kind, "\(new)")
        }
    }
}
