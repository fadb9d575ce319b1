import CKernels
import CKernelsClones
import Foundation
import Testing

/// The test of normality against its formula in Double, and clones to the bit.
struct EppsPulleyTests {
    @Test(arguments: [(1, 1), (7, 8), (40, 19), (3, 100)]) func columns(_ rows: Int, _ columns: Int) {
        var numbers = Numbers(rows * columns)
        let sample = numbers.floats(rows * columns, -4, 4), knots = 17, limit = 3.0, weight = 0.25
        let found = everyClone(hl_epps_pulley, avx2: hl_epps_pulley_avx2, baseline: hl_epps_pulley_baseline) { kernel in
            var statistics = [Float](repeating: .nan, count: columns)
            var gradient = [Float](repeating: .nan, count: rows * columns)
            // In two parts, as threads share the columns.
            for part in [0..<columns / 3, columns / 3..<columns] {
                kernel(
                    sample, rows, columns, part.lowerBound, part.upperBound, limit, knots, weight, &statistics,
                    &gradient)
            }
            return statistics + gradient
        }
        let step = limit / Double(knots - 1)
        var statistics = [Double](repeating: 0, count: columns)
        var gradient = [Double](repeating: 0, count: rows * columns)
        for column in 0..<columns {
            let values = (0..<rows).map { Double(sample[$0 * columns + column]) }
            for k in 0..<knots {
                let t = Double(k) * step, window = exp(-t * t / 2)
                let w = (k == 0 || k == knots - 1 ? 1 : 2) * step * window
                let real = values.reduce(0.0) { $0 + cos(t * $1) } / Double(rows) - window
                let imaginary = values.reduce(0.0) { $0 + sin(t * $1) } / Double(rows)
                statistics[column] += Double(rows) * w * (real * real + imaginary * imaginary)
                for (row, x) in values.enumerated() {
                    gradient[row * columns + column] +=
                        weight * 2 * w * t * (imaginary * cos(t * x) - real * sin(t * x))
                }
            }
        }
        expectClose(Array(found[..<columns]), statistics, within: 1e-6)
        expectClose(Array(found[columns...]), gradient, within: 1e-6)
    }
}
