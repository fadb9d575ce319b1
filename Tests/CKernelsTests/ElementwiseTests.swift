import CKernels
import CKernelsClones
import Testing

/// Flat loops against the same formula in Double, within half a unit in the last place (2⁻²⁴) per rounding.
struct ElementwiseTests {
    /// Nothing, one value, and lengths beside whole vectors.
    static let counts = [0, 1, 7, 16, 33, 1000]

    @Test(arguments: counts) func arithmetic(_ count: Int) {
        var numbers = Numbers(1)
        let a = numbers.floats(count), b = numbers.floats(count)
        let (x, y) = (a.map(Double.init), b.map(Double.init))
        func run(_ body: (inout [Float]) -> Void) -> [Float] {
            var out = [Float](repeating: .nan, count: count)
            body(&out)
            return out
        }
        let filled = everyClone(hl_fill, avx2: hl_fill_avx2, baseline: hl_fill_baseline) { fill in
            run { fill(&$0, 0.3, count) }
        }
        #expect(filled == [Float](repeating: 0.3, count: count))
        let sum = everyClone(hl_add, avx2: hl_add_avx2, baseline: hl_add_baseline) { add in
            run { add(a, b, &$0, count) }
        }
        expectClose(sum, zip(x, y).map(+), within: 0x1p-24)
        let product = everyClone(hl_multiply, avx2: hl_multiply_avx2, baseline: hl_multiply_baseline) { multiply in
            run { multiply(a, b, &$0, count) }
        }
        expectClose(product, zip(x, y).map(*), within: 0x1p-24)
        let scaled = everyClone(hl_scale, avx2: hl_scale_avx2, baseline: hl_scale_baseline) { scale in
            run { scale(-1.5, a, &$0, count) }
        }
        expectClose(scaled, x.map { -1.5 * $0 }, within: 0x1p-24)
        let moved = everyClone(hl_axpy, avx2: hl_axpy_avx2, baseline: hl_axpy_baseline) { axpy in
            run {
                $0 = b
                axpy(0.75, a, &$0, count)
            }
        }
        expectClose(moved, zip(x, y).map { $1 + 0.75 * $0 }, within: 0x1p-23)
        let positive = numbers.floats(count, 0, 4)
        let roots = everyClone(hl_inverse_root, avx2: hl_inverse_root_avx2, baseline: hl_inverse_root_baseline) {
            root in
            run { root(positive, 0.25, &$0, count) }
        }
        expectClose(roots, positive.map { 1 / (Double($0) + 0.25).squareRoot() }, within: 0x1p-22)
    }

    @Test(arguments: counts) func rectifier(_ count: Int) {
        var numbers = Numbers(2)
        let x = numbers.eighths(count), gradient = numbers.floats(count)
        let y = everyClone(hl_relu, avx2: hl_relu_avx2, baseline: hl_relu_baseline) { relu in
            var out = [Float](repeating: .nan, count: count)
            relu(x, &out, count)
            return out
        }
        #expect(y == x.map { $0 > 0 ? $0 : 0 })
        let back = everyClone(hl_relu_backward, avx2: hl_relu_backward_avx2, baseline: hl_relu_backward_baseline) {
            relu in
            var out = gradient  // in place
            relu(y, out, &out, count)
            return out
        }
        #expect(back == zip(y, gradient).map { $0 > 0 ? $1 : 0 })
    }
}
