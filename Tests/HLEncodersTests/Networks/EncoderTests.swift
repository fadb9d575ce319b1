import HLCompute
import HLEncoders
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    @Suite struct EncoderTests {
        private let encoder: Encoder

        init() throws {
            encoder = Encoder.untrained(
                try EncoderDescription(width: 8, side: 32), seed: 1,
                backend: try TestedBackend.fastest.make(threads: 2))
        }

        @Test func embeddingsDoNotDependOnTheBatch() throws {
            let all = Formula.pixels(70, side: 32)
            let together = try encoder.encode(.host(all))
            #expect(together.shape == [70, 64])
            #expect(Set(together.floats).count > 1000)
            for start in stride(from: 0, to: 70, by: 9) {
                let range = start..<min(start + 9, 70)
                #expect(
                    try encoder.encode(.host(all.rows(range))).floats == together.rows(range).floats)
            }
            #expect(try encoder.encode(.host(all.rows(0..<0))).shape == [0, 64])
            #expect(try encoder.encode(.device(encoder.backend.tensor(all))).floats == together.floats)
        }

        @Test func onlyTheCentralCropCounts() throws {
            let original = Formula.pixels(1, side: 32)
            let changed = { (isInside: @escaping (Int, Int) -> Bool) in
                HostTensor(.u8, shape: original.shape) { bytes in
                    original.withUnsafeBytes { source in
                        for index in source.indices {
                            let inside = isInside(index / 32 % 32, index % 32)
                            bytes[index] = inside ? source[index] : 255 - source[index]
                        }
                    }
                }
            }
            let expected = try encoder.encode(.host(original)).floats
            let margin = changed { (2..<30).contains($0) && (2..<30).contains($1) }
            #expect(try encoder.encode(.host(margin)).floats == expected)
            let inner = changed { (3..<30).contains($0) && (2..<30).contains($1) }
            #expect(try encoder.encode(.host(inner)).floats != expected)
        }

        @Test func imagesOfAnotherSizeAreResized() throws {
            #expect(!encoder.fits(height: 48, width: 48) && encoder.fits(height: 32, width: 40))
            #expect(try encoder.encode(.host(Formula.pixels(2, side: 48))).shape == [2, 64])
            let flat = HostTensor([0] as [Float], shape: [1, 1])
            #expect(failure { _ = try encoder.encode(.host(flat)) }?.kind == .data)
        }

        @Test func augmentationsFollowIdEpochAndSeed() throws {
            let two = Formula.pixels(2, side: 32)
            let encode = { (ids: [Int64], epoch: Int, seed: UInt64, input: HostTensor) in
                try encoder.encode(
                    .host(input), augmentation: .linearProbe, ids: ids, epoch: epoch, seed: seed
                ).floats
            }
            let first = try encode([7, 8], 0, 0, two)
            #expect(try encode([8], 0, 0, two.rows(1..<2)) == Array(first[64...]))
            #expect(try encode([7, 8], 1, 0, two) != first)
            #expect(try encode([7, 8], 0, 1, two) != first)
            #expect(try encode([9, 8], 0, 0, two)[..<64] != first[..<64])
        }

        @Test func descriptionsOfImpossibleSizeAreRefused() {
            for (width, side, crop) in [(0, 32, 28), (4, 4, 4), (4, 32, 33), (4, 32, 0), (5000, 32, 28)] {
                let error = failure { _ = try EncoderDescription(width: width, side: side, crop: crop) }
                #expect(error?.kind == .usage)
            }
        }
    }
}
