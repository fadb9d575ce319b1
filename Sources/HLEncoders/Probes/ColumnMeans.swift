import HLTensor

extension HostTensor {
    /// Means over the rows of features F32 [N, d], d numbers; 0 where there is no row.
    var columnMeans: [Double] {
        let width = rowSize
        var sums = [Double](repeating: 0, count: width)
        withUnsafeElements(as: Float.self) { values in
            sums.withUnsafeMutableBufferPointer { sums in
                for start in stride(from: 0, to: values.count, by: max(1, width)) {
                    for column in 0..<width { sums[column] += Double(values[start + column]) }
                }
            }
        }
        return sums.map { $0 / Double(max(1, rowCount)) }
    }
}
