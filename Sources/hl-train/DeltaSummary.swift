import HLFormats
import HLTensor

/// δ of a step's anchors.
struct DeltaSummary {
    /// Per chunk, over the anchors.
    let means: [Double]
    let deviations: [Double]

    /// - Parameter deltas: F32 [B, chunks].
    init(_ deltas: HostTensor) {
        let values = deltas.floats, count = deltas.rowCount, chunks = deltas.rowSize
        let columns = (0..<chunks).map { chunk in (0..<count).map { Double(values[$0 * chunks + chunk]) } }
        let means = columns.map { $0.reduce(0, +) / Double(count) }
        self.means = means
        deviations = zip(columns, means).map { column, mean in
            (column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(1, count - 1))).squareRoot()
        }
    }

    /// `0.67 ± 0.21, 3.63 ± 1.18`
    var text: String {
        zip(means, deviations).map { "\(rounded($0, to: 2)) ± \(rounded($1, to: 2))" }.joined(separator: ", ")
    }
}
