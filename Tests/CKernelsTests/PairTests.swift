import CKernels
import CKernelsClones
import Foundation
import Testing

/// Kernels on the products of one row with others, against their formulas in Double.
struct PairTests {
    /// None, one, less than a vector, whole vectors, whole stretches and what lies beside them.
    static let counts = [0, 1, 7, 16, 64, 65, 200, 512]

    private func values(_ count: Int, _ seed: Int) -> (products: [Float], norms: [Float], limits: [Float]) {
        var numbers = Numbers(seed)
        return (numbers.eighths(count), numbers.eighths(count).map { $0 + 3 }, numbers.eighths(count).map { $0 * 2 })
    }

    /// Eighths make sums exact, so that equality counts too.
    @Test(arguments: counts) func nearPairs(_ count: Int) {
        let (products, norms, limits) = values(count, 60)
        for limit: Float in [-.infinity, 0.25, 2, .infinity] {
            let found = everyClone(hl_near_pairs, avx2: hl_near_pairs_avx2, baseline: hl_near_pairs_baseline) { find in
                var chosen = [UInt32](repeating: .max, count: count)
                let number = find(products, 1.5, norms, limit, limits, count, &chosen)
                return Array(chosen.prefix(number))
            }
            let expected = (0..<count).filter { 1.5 + norms[$0] - 2 * products[$0] <= max(limit, limits[$0]) }
            #expect(found == expected.map { UInt32($0) })
        }
    }

    @Test(arguments: counts) func gaussianSum(_ count: Int) {
        let (products, norms, _) = values(count, 61)
        let found = everyClone(hl_gaussian_sum, avx2: hl_gaussian_sum_avx2, baseline: hl_gaussian_sum_baseline) { sum in
            [sum(products, 1.5, norms, 2, count)]
        }
        let expected = (0..<count).reduce(0.0) {
            $0 + exp(-2 * Double(max(0, 1.5 + norms[$1] - 2 * products[$1])))
        }
        expectClose(found, [expected], within: 1e-6)
    }

    @Test(arguments: counts) func cubicSum(_ count: Int) {
        let (products, _, _) = values(count, 62)
        let found = everyClone(hl_cubic_sum, avx2: hl_cubic_sum_avx2, baseline: hl_cubic_sum_baseline) { sum in
            [sum(products, 0.37, count)]
        }
        let terms = products.map { pow(0.37 * Double($0) + 1, 3) }
        expectClose(found, [terms.reduce(0, +)], within: 1e-13, of: terms.reduce(1) { $0 + abs($1) })
    }
}
