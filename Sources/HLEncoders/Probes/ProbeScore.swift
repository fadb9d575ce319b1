import HLTensor

/// What a classifier of one label a sample gets right.
package struct ProbeScore: Sendable, Equatable {
    /// Share of samples whose label has the greatest score, 0…1.
    package let top1: Double
    /// Share of samples whose label is among the five greatest; 1 where there are no more than five classes.
    package let top5: Double
    /// Which classes samples were taken for.
    package let confusion: ConfusionMatrix

    /// Mean over the classes that have samples of the share of them that is right.
    package var meanPerClass: Double {
        let shares = confusion.shares.compactMap(\.self)
        return shares.reduce(0, +) / Double(max(1, shares.count))
    }

    /// Counts over `scores`, F32 [N, classes], for N labels below `classes`, N > 0. Of equal scores the class with the
    /// lower number wins; a score that is not a number never does.
    package init(scores: HostTensor, labels: [Int32]) {
        precondition(scores.rowCount == labels.count && !labels.isEmpty)
        let classes = scores.rowSize
        var first = 0, firstFive = 0, confusion = ConfusionMatrix(classes: classes)
        scores.withUnsafeElements(as: Float.self) { values in
            for (row, label) in labels.enumerated() {
                let target = Int(label), start = row * classes, score = values[start + target]
                confusion.add(label: target, taken: Self.greatest(values, start, classes))
                guard !score.isNaN else { continue }
                var ahead = 0
                for other in 0..<classes where other != target {
                    let value = values[start + other]
                    if value > score || (value == score && other < target) { ahead += 1 }
                }
                if ahead == 0 { first += 1 }
                if ahead < 5 { firstFive += 1 }
            }
        }
        top1 = Double(first) / Double(labels.count)
        top5 = Double(firstFive) / Double(labels.count)
        self.confusion = confusion
    }

    /// The first of the greatest numbers; nil where there is none.
    static func greatest(_ values: UnsafeBufferPointer<Float>, _ start: Int, _ count: Int) -> Int? {
        var best: Int?
        for index in 0..<count where !values[start + index].isNaN {
            if best.map({ values[start + index] > values[start + $0] }) ?? true { best = index }
        }
        return best
    }
}

/// Mean and sample standard deviation (divisor n − 1; nil for one value) of repeated measurements.
package func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double?) {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    guard values.count > 1 else { return (mean, nil) }
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (square / Double(values.count - 1)).squareRoot())
}
