import Foundation
import HLEncoders
import HLFormats
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// The worth of pairs beside GenView++'s formula in PyTorch (`quality.safetensors`).
    struct PairQualityTests {
        static let tolerance = 1e-5
        private static let fixture = (try? EncodersTests.fixture("quality")) ?? TensorFile()

        private func parts(_ name: String, threads: Int = 1) -> [[PairQuality.Parts]] {
            (0...1).map { view in
                let maps = Formula.array("quality.\(name).\(view)", [6, 9, 3, 4]) {
                    name == "relu" ? max(0, $0 - 0.3) : $0 - 0.5
                }
                return PairQuality.parts(of: maps, threads: threads)
            }
        }

        /// Behind a ReLU, and of features of both signs.
        @Test(arguments: ["relu", "signed"], [1.0, 2.0]) func matchesGenView(_ name: String, _ sensitivity: Double)
            throws
        {
            let views = parts(name), quality = PairQuality(sensitivity: sensitivity)
            let worth = zip(views[0], views[1]).map(quality.worth)
            let expected = try Self.fixture.tensor("\(name).worth_\(Int(sensitivity))")
            expectClose(HostTensor(worth, shape: [6]), expected, Self.tolerance, name)
            let threaded = parts(name, threads: 4)
            #expect(zip(threaded[0], threaded[1]).map(quality.worth) == worth)
        }

        /// A bright spot on a dim ground is the foreground: the same spot elsewhere is worth more than the same ground with
        /// another spot.
        @Test func tellsForegroundFromBackground() {
            func image(spot: Int, of colour: Int, on ground: Int) -> HostTensor {
                var values = [Float](repeating: 0, count: 4 * 16)
                for position in 0..<16 { values[ground * 16 + position] = 0.3 }
                for position in spot..<spot + 2 {
                    values[ground * 16 + position] = 0
                    values[colour * 16 + position] = 5
                }
                return HostTensor(values, shape: [1, 4, 4, 4])
            }
            func worth(_ a: HostTensor, _ b: HostTensor) -> Float {
                PairQuality(sensitivity: 1).worth(PairQuality.parts(of: a)[0], PairQuality.parts(of: b)[0])
            }
            let anchor = image(spot: 5, of: 0, on: 1)
            #expect(worth(anchor, anchor) == 1)
            #expect(worth(anchor, image(spot: 9, of: 0, on: 2)) > 2)
            #expect(worth(anchor, image(spot: 5, of: 3, on: 1)) < 0.5)
        }

        /// Nothing stands out: no foreground, and a worth that is a number.
        @Test func evenImages() {
            let even = HostTensor([Float](repeating: 0.5, count: 2 * 9), shape: [1, 2, 3, 3])
            let black = HostTensor([Float](repeating: 0, count: 2 * 9), shape: [1, 2, 3, 3])
            for map in [even, black] {
                let parts = PairQuality.parts(of: map)[0]
                #expect(parts.foreground.allSatisfy { $0.isFinite } && parts.background.allSatisfy { $0.isFinite })
                let worth = PairQuality().worth(parts, parts)
                #expect(worth.isFinite && worth > 0)
            }
        }
    }
}
