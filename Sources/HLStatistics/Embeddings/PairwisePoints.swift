import Glibc
import HLCompute
import HLTensor

/// Points F32 [N, d] for questions about all pairs: on the backend in single precision, where products are fast, and on
/// the host as they are, where single distances are computed exactly.
///
/// Distances do not change when all points are moved together, and their order not when all are scaled: the points on the
/// backend lie around 0 and their largest coordinate lies in 1 … 2, so that nothing overflows and single precision counts
/// from the spread of the points, not from how far they lie from 0.
struct PairwisePoints {
    /// As they are.
    let rows: HostTensor
    /// (x − centre) · scale.
    let tensor: Tensor
    /// |x|² of what is on the backend, times 1 − `slack` where distances are screened.
    let norms: [Float]
    /// A power of two.
    let scale: Double
    /// What single precision may make of a squared distance |x − y|², in parts of |x|² + |y|²: d roundings of the product
    /// and its terms (Higham, *Accuracy and stability of numerical algorithms*, 2002, §3.1), and some for coordinates, norms
    /// and sums.
    let slack: Double

    /// Points to unit length, nothing else: x / max(|x|, 1e-12).
    init(unitRowsOf rows: HostTensor, on backend: any Backend) {
        self.init(rows, on: backend, scale: 1, slack: 0) { row in
            let square = row.reduce(0) { $0 + $1 * $1 }
            let factor = 1 / max(square.squareRoot(), 1e-12)
            for column in row.indices { row[column] *= factor }
        }
    }

    /// Points for screening.
    init(_ rows: HostTensor, frame: PointFrame, on backend: any Backend) {
        // 2^-24 is half a unit in the last place of 1.
        self.init(rows, on: backend, scale: frame.scale, slack: Double(rows.rowSize + 32) * 0x1p-24) { row in
            for column in row.indices { row[column] = (row[column] - frame.centre[column]) * frame.scale }
        }
    }

    private init(
        _ rows: HostTensor, on backend: any Backend, scale: Double, slack: Double,
        _ transform: (UnsafeMutableBufferPointer<Double>) -> Void
    ) {
        let (count, dimension) = (rows.rowCount, rows.rowSize)
        let norms = Cells(repeating: Float(0), count: count)
        tensor = backend.tensor(.f32, shape: [count, dimension]) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            rows.withUnsafeElements(as: Float.self) { source in
                inParallel(count, parts: backend.threads) { range in
                    withUnsafeTemporaryAllocation(of: Double.self, capacity: dimension) { row in
                        for number in range {
                            let start = number * dimension
                            for column in 0..<dimension { row[column] = Double(source[start + column]) }
                            transform(row)
                            var norm = 0.0
                            for column in 0..<dimension {
                                let value = Float(row[column])
                                target[start + column] = value
                                norm += Double(value) * Double(value)
                            }
                            norms[number] = Float(norm * (1 - slack))
                        }
                    }
                }
            }
        }
        self.rows = rows
        self.norms = norms.array
        self.scale = scale
        self.slack = slack
    }

    /// The largest squared distance on the backend's scale that a pair as near as `distance` may show there.
    func limit(_ distance: Double) -> Float {
        let scaled = distance * scale
        // Below the smallest numbers single precision has nothing but zero.
        return Float(scaled * scaled * (1 + 0x1p-22) + 1e-36).nextUp
    }
}

/// Where some points lie: their mean, and the power of two that brings their coordinates around it to 2 at most.
struct PointFrame {
    let centre: [Double]
    let scale: Double

    /// - Parameters:
    ///   - reference: whose mean is the centre.
    ///   - others: further points that have to fit.
    init(_ reference: HostTensor, _ others: HostTensor...) {
        let dimension = reference.rowSize
        var sums = [Double](repeating: 0, count: dimension)
        reference.withUnsafeElements(as: Float.self) { values in
            for start in stride(from: 0, to: values.count, by: dimension) {
                for column in 0..<dimension { sums[column] += Double(values[start + column]) }
            }
        }
        let centre = sums.map { $0 / Double(reference.rowCount) }
        var largest = 0.0
        for points in [reference] + others {
            points.withUnsafeElements(as: Float.self) { values in
                for start in stride(from: 0, to: values.count, by: dimension) {
                    for column in 0..<dimension {
                        largest = max(largest, abs(Double(values[start + column]) - centre[column]))
                    }
                }
            }
        }
        self.centre = centre
        scale = largest > 0 ? 1 / Double(sign: .plus, exponent: largest.exponent, significand: 1) : 1
    }
}
