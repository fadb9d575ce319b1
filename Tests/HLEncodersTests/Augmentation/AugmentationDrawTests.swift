import CKernels
import Foundation
import HLEncoders
import HLTensor
import Testing

@Suite struct AugmentationDrawTests {
    private static let draws = 20_000

    private func draw(
        _ augmentation: Augmentation, seed: UInt64 = 0, view: Int = 0, epoch: Int = 0, height: Int = 128,
        width: Int = 128, count: Int = draws
    ) -> [hl_augment_parameters] {
        (0..<count).map {
            augmentation.parameters(
                id: Int64($0), view: view, epoch: epoch, seed: seed, imageHeight: height, imageWidth: width)
        }
    }

    /// Whether `successes` of `count` are within five standard deviations of a probability.
    private func isLikely(_ successes: Int, of count: Int, probability: Double) -> Bool {
        let deviation = (Double(count) * probability * (1 - probability)).squareRoot()
        return abs(Double(successes) - Double(count) * probability) <= 5 * deviation
    }

    @Test func cropsAreDistributedAsTorchvisions() throws {
        for reference in try AugmentationFixture.load().crops {
            let crops = draw(Augmentation(.noColor), height: reference.height, width: reference.width)
            let count = Double(crops.count)
            let wholeArea = Double(reference.height * reference.width)
            let noise = (1 / count + 1 / Double(reference.draws)).squareRoot()
            var bins = [Int](repeating: 0, count: 8)
            var sums: [String: Double] = [:]
            for crop in crops {
                #expect(crop.top >= 0 && crop.top + crop.height <= reference.height)
                #expect(crop.left >= 0 && crop.left + crop.width <= reference.width)
                let area = Double(crop.height) * Double(crop.width) / wholeArea
                bins[min(max(Int((area - 0.2) / 0.1), 0), 7)] += 1
                let values = [
                    "area": area, "logRatio": log(Double(crop.width) / Double(crop.height)),
                    "height": Double(crop.height), "width": Double(crop.width), "top": Double(crop.top),
                    "left": Double(crop.left),
                ]
                sums.merge(values, uniquingKeysWith: +)
            }
            for (name, mean) in reference.means {
                let deviation = try #require(reference.deviations[name])
                let found = try #require(sums[name]) / count
                #expect(abs(found - mean) < 5 * deviation * noise, "\(name) of \(reference.width) wide: \(found)")
            }
            for (bin, expected) in zip(bins, reference.areaBins) {
                let share = Double(expected) / Double(reference.draws)
                let deviation = (share * (1 - share)).squareRoot() * noise
                #expect(abs(Double(bin) / count - share) <= 5 * deviation)
            }
        }
    }

    @Test func switchesHaveTheirProbabilitiesAndAreIndependent() {
        var augmentation = Augmentation(.simclr)
        augmentation.blurProbability = 0.5
        let all = draw(augmentation)
        let switches: [((hl_augment_parameters) -> Bool, Double)] = [
            ({ $0.flip }, 0.5), ({ $0.colour }, 0.8), ({ $0.grey }, 0.2), ({ $0.blur_radius > 0 }, 0.5),
        ]
        for (i, (first, p)) in switches.enumerated() {
            #expect(isLikely(all.count(where: first), of: all.count, probability: p))
            for (second, q) in switches[(i + 1)...] {
                let both = all.count { first($0) && second($0) }
                #expect(isLikely(both, of: all.count, probability: p * q))
            }
        }
    }

    @Test func coloursAreUniformInTheirRanges() {
        let all = draw(Augmentation(.simclr))
        let quantities: [(WritableKeyPath<hl_augment_parameters, Float>, Double, Double)] = [
            (\.brightness, 0.6, 1.4), (\.contrast, 0.6, 1.4), (\.saturation, 0.6, 1.4), (\.hue, -0.1, 0.1),
        ]
        for (path, low, high) in quantities {
            var bins = [Int](repeating: 0, count: 8)
            for parameters in all {
                let place = (Double(parameters[keyPath: path]) - low) / (high - low)
                #expect(place > -1e-6 && place < 1 + 1e-6)
                bins[min(max(Int(place * 8), 0), 7)] += 1
            }
            for bin in bins { #expect(isLikely(bin, of: all.count, probability: 1.0 / 8)) }
        }
    }

    @Test func everyOrderOfTheColourOperationsIsEquallyLikely() {
        var counts: [[UInt8]: Int] = [:]
        for parameters in draw(Augmentation(.simclr)) {
            let order = parameters.order
            counts[[order.0, order.1, order.2, order.3], default: 0] += 1
        }
        #expect(counts.count == 24)
        for (order, count) in counts {
            #expect(order.sorted() == [0, 1, 2, 3])
            #expect(isLikely(count, of: Self.draws, probability: 1.0 / 24))
        }
    }

    @Test func blurIsOffUnlessAskedFor() {
        for set in AugmentationSet.allCases where set != .adainf {
            #expect(draw(Augmentation(set), count: 200).allSatisfy { $0.blur_radius == 0 })
        }
        var augmentation = Augmentation(.simclr)
        augmentation.blurProbability = 1
        let blurred = draw(augmentation, height: 8, width: 8)
        #expect(blurred.allSatisfy { (0.1...2).contains($0.blur_sigma) && (1...6).contains($0.blur_radius) })
        let mean = blurred.reduce(0) { $0 + Double($1.blur_sigma) } / Double(blurred.count)
        #expect(abs(mean - 1.05) < 5 * 1.9 / 12.0.squareRoot() / Double(blurred.count).squareRoot())
    }

    @Test func seedViewEpochAndIdEachChangeTheNumbers() {
        let augmentation = Augmentation(.simclr)
        let base = draw(augmentation, count: 500).map(\.brightness)
        #expect(Set(base).count > 490)
        #expect(draw(augmentation, count: 500).map(\.brightness) == base)
        for other in [
            draw(augmentation, seed: 1, count: 500), draw(augmentation, view: 1, count: 500),
            draw(augmentation, epoch: 1, count: 500),
        ] {
            #expect(zip(base, other).allSatisfy { $0 != $1.brightness })
        }
    }

    @Test func setsShareWhatTheyHaveInCommon() {
        let whole = draw(Augmentation(.simclr), count: 300)
        let noColor = draw(Augmentation(.noColor), count: 300)
        let noCrop = draw(Augmentation(.noCrop), count: 300)
        let none = draw(Augmentation(.none), count: 300)
        for i in whole.indices {
            #expect(noColor[i].top == whole[i].top && noColor[i].left == whole[i].left)
            #expect(noColor[i].height == whole[i].height && noColor[i].width == whole[i].width)
            #expect(noColor[i].flip == whole[i].flip && !noColor[i].colour && !noColor[i].grey)
            #expect(noCrop[i].flip == whole[i].flip && noCrop[i].colour == whole[i].colour)
            #expect(noCrop[i].hue == whole[i].hue && noCrop[i].grey == whole[i].grey)
            #expect(!none[i].flip && !none[i].colour && !none[i].grey)
            for centred in [noCrop[i], none[i]] {
                #expect(centred.top == 8 && centred.left == 8 && centred.height == 112 && centred.width == 112)
            }
        }
    }

    /// Crop 0.2 to 1, jitter (0.4, 0.4, 0.4, 0.1) with probability 0.4, grey 0.2, blur ½ with σ from 0.1 to 2, flip ½.
    @Test func adaInfsSet() {
        let weak = draw(Augmentation(.adainf)), whole = draw(Augmentation(.simclr))
        #expect(isLikely(weak.count { $0.colour }, of: weak.count, probability: 0.4))
        #expect(isLikely(weak.count { $0.blur_radius > 0 }, of: weak.count, probability: 0.5))
        #expect(isLikely(weak.count { $0.grey }, of: weak.count, probability: 0.2))
        #expect(isLikely(weak.count { $0.flip }, of: weak.count, probability: 0.5))
        #expect(weak.allSatisfy { $0.blur_radius == 0 || (0.1...2).contains($0.blur_sigma) })
        for (weak, whole) in zip(weak, whole) {
            #expect(weak.top == whole.top && weak.left == whole.left && weak.height == whole.height)
            #expect(weak.brightness == whole.brightness && weak.saturation == whole.saturation && weak.hue == whole.hue)
            #expect(!weak.colour || whole.colour)
        }
        #expect(AugmentationSet(rawValue: "adainf") == .adainf && AugmentationSet.adainf.cropsAtRandom)
    }

    @Test func cropSidesAndCentreCrops() {
        #expect(Augmentation.cropSize(renderSide: 64) == 56)
        #expect(Augmentation.cropSize(renderSide: 128) == 112)
        #expect(AugmentationSet(rawValue: "no-color") == .noColor && AugmentationSet(rawValue: "no-crop") == .noCrop)
        // torchvision: int(round((height - size) / 2)), ties to even.
        let odd = Augmentation.centreCrop(imageHeight: 17, imageWidth: 23, size: 12)
        #expect(odd.top == 2 && odd.left == 6 && odd.height == 12 && odd.width == 12)
        let small = Augmentation.centreCrop(imageHeight: 10, imageWidth: 20, size: 12)
        #expect(small.top == 0 && small.left == 5 && small.height == 10 && small.width == 10)
    }
}
