extension StreamingDistribution {
    /// How many values lie between `edges`, which ascend: entry i is about edges[i] ≤ x < edges[i + 1], and the last
    /// one has x = edges.last too.
    ///
    /// A bin of the counts that an edge cuts is divided as its width is, so that counts may be fractions and edges may
    /// lie closer than bins; zeros are one bin of their own.
    package func masses(edges: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: max(edges.count - 1, 0))
        guard let first = edges.first, let last = edges.last, first < last else { return result }
        if zeroCount > 0, first <= 0, let next = edges.firstIndex(where: { $0 > 0 }), next > 0 {
            result[next - 1] += Double(zeroCount)
        }
        var cell = 0
        for (number, count) in bins.enumerated() where count > 0 {
            // No value of the lowest and highest bin lies beyond the extremes.
            let low = max(Self.lowerEnd(firstBin + number), zeroCount > 0 ? 0 : minimum)
            let high = min(Self.lowerEnd(firstBin + number + 1), maximum)
            if high < first || low > last { continue }
            while cell < result.count - 1 && edges[cell + 1] <= low { cell += 1 }
            guard high > low else {
                result[cell] += Double(count)
                continue
            }
            var part = cell
            while part < result.count && edges[part] < high {
                let overlap = min(high, edges[part + 1]) - max(low, edges[part])
                result[part] += Double(count) * max(0, overlap) / (high - low)
                part += 1
            }
        }
        return result
    }
}
