import CKernels
import CKernelsClones
import Foundation
import Testing

/// Kernels on the rows of a matrix against their formulas in Double.
struct RowsTests {
    /// No row, one row, one column, columns beside whole vectors, and a wide matrix.
    static let shapes = [(0, 5), (1, 1), (3, 1), (1, 17), (4, 16), (5, 70), (2, 300)]

    private func matrix(_ shape: (Int, Int), _ seed: Int, _ low: Float = -1, _ high: Float = 1) -> [Float] {
        var numbers = Numbers(seed)
        return numbers.floats(shape.0 * shape.1, low, high)
    }

    private func rows(_ matrix: [Float], _ shape: (Int, Int)) -> [[Double]] {
        (0..<shape.0).map { row in (0..<shape.1).map { Double(matrix[row * shape.1 + $0]) } }
    }

    private func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    @Test(arguments: shapes) func bias(_ shape: (Int, Int)) {
        let x = matrix(shape, 30), bias = matrix((1, shape.1), 31)
        let found = everyClone(
            hl_add_row_vector, avx2: hl_add_row_vector_avx2, baseline: hl_add_row_vector_baseline
        ) { add in
            var result = x
            add(&result, bias, 0, shape.0 / 2, shape.1)
            add(&result, bias, shape.0 / 2, shape.0, shape.1)
            return result
        }
        expectClose(found, x.indices.map { Double(x[$0]) + Double(bias[$0 % shape.1]) }, within: 0x1p-24)

        var sums = [Float](repeating: .nan, count: shape.1)
        hl_column_sums(x, shape.0, shape.1, 0, shape.1 / 3, &sums)
        hl_column_sums(x, shape.0, shape.1, shape.1 / 3, shape.1, &sums)
        let expected = (0..<shape.1).map { column in rows(x, shape).reduce(0) { $0 + $1[column] } }
        expectClose(sums, expected, within: 0x1p-24)
    }

    /// Within 2e-7: everything but the last products is done in double.
    @Test(arguments: shapes) func normalisation(_ shape: (Int, Int)) {
        var x = matrix(shape, 32)
        if shape.0 > 1 { for column in 0..<shape.1 { x[column] = 0 } }  // a row that has no direction
        let gradient = matrix(shape, 33)
        var y = [Float](repeating: .nan, count: x.count), norms = [Float](repeating: .nan, count: shape.0), back = y
        hl_normalise_rows(x, &y, &norms, 0, shape.0, shape.1)
        hl_normalise_rows_backward(y, norms, gradient, &back, 0, shape.0, shape.1)

        let lengths = rows(x, shape).map { product($0, $0).squareRoot() }
        let units = zip(rows(x, shape), lengths).map { row, length in row.map { $0 / max(length, 1e-12) } }
        expectClose(norms, lengths, within: 2e-7)
        expectClose(y, units.flatMap { $0 }, within: 2e-7)
        for (row, g) in rows(gradient, shape).enumerated() {
            let along = lengths[row] > 1e-12 ? product(g, units[row]) : 0
            let expected = zip(g, units[row]).map { ($0 - along * $1) / max(lengths[row], 1e-12) }
            // With one column the difference is nothing but rounding.
            if shape.1 > 1 { expectClose(Array(back[row * shape.1..<(row + 1) * shape.1]), expected, within: 1e-6) }
        }
    }

    /// hl_exp lies within 2 units in the last place: 1e-6 in all.
    @Test(arguments: shapes) func softmax(_ shape: (Int, Int)) {
        let x = matrix(shape, 34, -20, 20)
        let found = everyClone(hl_softmax_rows, avx2: hl_softmax_rows_avx2, baseline: hl_softmax_rows_baseline) {
            softmax in
            var result = x
            softmax(&result, 0, shape.0, shape.1)
            return result
        }
        let expected = rows(x, shape).map { row in
            let powers = row.map { exp($0) }
            return powers.map { $0 / powers.reduce(0, +) }
        }
        expectClose(found, expected.flatMap { $0 }, within: 1e-6)

        let gradient = matrix(shape, 35)
        let back = everyClone(
            hl_softmax_rows_backward, avx2: hl_softmax_rows_backward_avx2, baseline: hl_softmax_rows_backward_baseline
        ) { softmax in
            var result = gradient
            softmax(found, &result, 0, shape.0, shape.1)
            return result
        }
        // Of ∂sᵢ/∂xⱼ = sᵢ (δᵢⱼ − sⱼ), written out as a matrix.
        let gradients = zip(rows(found, shape), rows(gradient, shape)).map { s, g in
            s.indices.map { j in s.indices.reduce(0) { $0 + g[$1] * s[$1] * (($1 == j ? 1 : 0) - s[j]) } }
        }
        if shape.1 > 1 { expectClose(back, gradients.flatMap { $0 }, within: 2e-6) }
    }

    /// Rows with a target, one without, one target that is far from the top; with and without a column left out.
    @Test(arguments: [(1, 2), (3, 7), (4, 64)], [false, true]) func crossEntropy(_ shape: (Int, Int), _ skips: Bool) {
        let logits = matrix(shape, 36, -3, 3), scale: Float = 10, weight: Float = 0.25
        let targets = (0..<shape.0).map { $0 == 2 ? -1 : Int32($0 % shape.1) }
        let skip = (0..<shape.0).map { Int32(($0 + 1) % shape.1) }
        var losses = [Float](repeating: .nan, count: shape.0), gradient = [Float](repeating: .nan, count: logits.count)
        hl_cross_entropy_rows(
            logits, targets, skips ? skip : nil, scale, weight, &losses, &gradient, 0, shape.0, shape.1)
        var expected: [Double] = [], slopes: [Double] = []
        for (row, values) in rows(logits, shape).enumerated() {
            guard targets[row] >= 0 else {
                expected.append(0)
                slopes += values.map { _ in 0 }
                continue
            }
            let target = Int(targets[row])
            let powers = values.indices.map { skips && $0 == Int(skip[row]) ? 0 : exp(values[$0] * 10) }
            let sum = powers.reduce(0, +)
            expected.append(-log(powers[target] / sum))
            slopes += powers.indices.map { 0.25 * 10 * (powers[$0] / sum - ($0 == target ? 1 : 0)) }
        }
        // A loss is the difference of scaled logits, a gradient that of a probability and 1.
        expectClose(losses, expected, within: 2e-7, of: 30)
        expectClose(gradient, slopes, within: 2e-7, of: 2.5)
    }

    @Test(arguments: shapes) func negativeCosine(_ shape: (Int, Int)) {
        let p = matrix(shape, 37), z = matrix(shape, 38), weight: Float = 0.5
        var losses = [Float](repeating: .nan, count: shape.0), gradient = [Float](repeating: .nan, count: p.count)
        hl_negative_cosine_rows(p, z, weight, &losses, &gradient, 0, shape.0, shape.1)
        for (row, (a, b)) in zip(rows(p, shape), rows(z, shape)).enumerated() {
            let lengths = (product(a, a).squareRoot(), product(b, b).squareRoot())
            let cosine = product(a, b) / (lengths.0 * lengths.1)
            expectClose([losses[row]], [-cosine], within: 0x1p-24)
            // −∂/∂p of p·z / (|p| |z|)
            let slopes = zip(a, b).map {
                -0.5 * ($1 / (lengths.0 * lengths.1) - cosine * $0 / (lengths.0 * lengths.0))
            }
            if shape.1 > 1 { expectClose(Array(gradient[row * shape.1..<(row + 1) * shape.1]), slopes, within: 5e-7) }
        }
        // Rows without a direction have no gradient that is not finite.
        hl_negative_cosine_rows([0, 0], [0, 0], 1, &losses, &gradient, 0, min(1, shape.0), min(2, shape.1))
        #expect(shape.0 == 0 || losses[0] == 0)
    }

    /// Sixteen float sums of up to 4,096 terms: within 1e-6 of the sum of the magnitudes.
    @Test(arguments: [0, 1, 15, 100, 4096, 10_001]) func dot(_ count: Int) {
        let a = matrix((1, count), 39, 0, 1), b = matrix((1, count), 40, 0, 1)
        let found = everyClone(hl_dot, avx2: hl_dot_avx2, baseline: hl_dot_baseline) { [$0(a, b, count)] }
        expectClose(found, [product(a.map(Double.init), b.map(Double.init))], within: 1e-6)
    }

    /// Distances in double; only the order of the sums differs.
    @Test(arguments: shapes + [(3, 4), (3, 7), (2, 12)]) func distances(_ shape: (Int, Int)) {
        let a = matrix(shape, 41), b = matrix(shape, 42)
        let found = everyClone(hl_row_distances, avx2: hl_row_distances_avx2, baseline: hl_row_distances_baseline) {
            distances in
            var out = [Double](repeating: .nan, count: shape.0)
            distances(a, b, shape.0, shape.1, &out)
            return out
        }
        let expected = zip(rows(a, shape), rows(b, shape)).map { x, y in
            zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
        expectClose(found, expected, within: 1e-14)
    }

    /// The values are compared by ProjectRowsTests; here the clones.
    @Test(arguments: [(1, 1, 1), (7, 33, 20), (13, 120, 50)]) func projection(
        _ rows: Int, _ inputs: Int, _ outputs: Int
    ) {
        let x = matrix((rows, inputs), 43), weight = matrix((outputs, inputs), 44)
        let panels = (outputs + HL_PROJECT_LANES - 1) / HL_PROJECT_LANES
        let found = everyClone(hl_project_rows, avx2: hl_project_rows_avx2, baseline: hl_project_rows_baseline) {
            project in
            var y = [Float](repeating: .nan, count: rows * outputs)
            var packed = [Float](repeating: .nan, count: inputs * HL_PROJECT_LANES)
            project(x, rows, inputs, weight, outputs, 0, 1, &packed, &y)
            project(x, rows, inputs, weight, outputs, 1, panels, &packed, &y)
            return y
        }
        #expect(!found.contains { $0.isNaN })
    }
}
