import CKernels
import CKernelsClones
import Testing

/// The values are compared elsewhere, with Random123's answers and with exact quantiles; here the clones.
struct RandomCloneTests {
    static let ids: [Int64] = [0, 1, 2, 77, 1 << 33, -1, .max]

    @Test(arguments: [1, 3, 4, 120, 1030]) func words(_ perSample: Int) {
        let words = everyClone(hl_random_words, avx2: hl_random_words_avx2, baseline: hl_random_words_baseline) {
            draw in
            var out = [UInt32](repeating: 0, count: Self.ids.count * perSample)
            draw(0x1234, 0x5678, Self.ids, Self.ids.count, perSample, &out)
            return out
        }
        // Word by word from the single block, whose answers are published.
        let expected = Self.ids.flatMap { id in
            (0..<perSample).map { index in
                let bits = UInt64(bitPattern: id)
                var counter = [UInt32(index / 4), 0, UInt32(truncatingIfNeeded: bits), UInt32(bits >> 32)]
                hl_philox4x32(0x1234, 0x5678, &counter)
                return counter[index % 4]
            }
        }
        #expect(words == expected)
    }

    @Test(arguments: [0.5, 2, Double.infinity], [1, 4, 130]) func normals(_ trunc: Double, _ perSample: Int) {
        let drawn = everyClone(
            hl_truncated_normal, avx2: hl_truncated_normal_avx2, baseline: hl_truncated_normal_baseline
        ) { draw in
            var out = [Float](repeating: .nan, count: 5 * perSample)
            draw(1, 2, 40, 5, perSample, 0.5, 2, trunc, &out)
            return out
        }
        let named = everyClone(
            hl_truncated_normal_ids, avx2: hl_truncated_normal_ids_avx2, baseline: hl_truncated_normal_ids_baseline
        ) { draw in
            var out = [Float](repeating: .nan, count: 5 * perSample)
            draw(1, 2, [40, 41, 42, 43, 44], 5, perSample, 0.5, 2, trunc, &out)
            return out
        }
        #expect(drawn == named)
        // Both tails, the middle, and words between.
        let words = [0, 1, 0x7fff_ffff, 0x8000_0000, .max] + (0..<500).map { UInt32($0) &* 8_589_935 }
        let quantiles = everyClone(
            hl_truncated_normal_quantiles, avx2: hl_truncated_normal_quantiles_avx2,
            baseline: hl_truncated_normal_quantiles_baseline
        ) { draw in
            var out = [Float](repeating: .nan, count: words.count)
            draw(words, words.count, 0.5, 2, trunc, &out)
            return out
        }
        #expect(quantiles.allSatisfy { $0 >= Float(0.5 - 2 * trunc) && $0 <= Float(0.5 + 2 * trunc) })
    }

    /// The swap-or-not network, element by element from its definition; there and back.
    @Test(arguments: [(1, 3), (2, 64), (1000, 30), (1 << 40, 20)]) func permutation(_ count: Int64, _ rounds: Int) {
        var numbers = Numbers(90)
        let pairings = (0..<rounds).map { _ in Int64(numbers.word() % UInt64(count)) }
        // More than go through the rounds together.
        let elements = (0..<min(1500, count)).map { count == 1000 ? $0 : Int64(numbers.word() % UInt64(count)) }
        func run(
            _ network: (UInt32, UInt32, Int64, UnsafePointer<Int64>?, Int32, Int32, UnsafeMutablePointer<Int64>?, Int)
                -> Void, _ inverse: Int32, _ elements: [Int64]
        ) -> [Int64] {
            var result = elements
            network(0x1234, 0x5678, count, pairings, Int32(rounds), inverse, &result, result.count)
            return result
        }
        let images = everyClone(hl_swap_or_not, avx2: hl_swap_or_not_avx2, baseline: hl_swap_or_not_baseline) {
            run($0, 0, elements)
        }
        let expected = elements.map { element in
            (0..<rounds).reduce(element) { x, round in
                let partner = (pairings[round] - x + count) % count, larger = UInt64(max(x, partner))
                var block = [0, 0, UInt32(truncatingIfNeeded: larger), UInt32(larger >> 32)]
                hl_philox4x32(0x1234, 0x5678, &block)
                return block[round / 32] >> UInt32(round % 32) & 1 == 1 ? partner : x
            }
        }
        #expect(images == expected)
        if count == 1000 { #expect(images.sorted() == elements) }
        let back = everyClone(hl_swap_or_not, avx2: hl_swap_or_not_avx2, baseline: hl_swap_or_not_baseline) {
            run($0, 1, images)
        }
        #expect(back == elements)
    }
}
