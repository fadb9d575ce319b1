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

/// How many samples of each class were taken for each.
package struct ConfusionMatrix: Sendable, Equatable {
    /// Classes.
    package let classes: Int
    /// Row by row: true class, then the class it was taken for.
    package private(set) var counts: [Int]
    /// Samples of each class that were taken for none.
    private var lost: [Int]

    package init(classes: Int) {
        self.classes = classes
        counts = [Int](repeating: 0, count: classes * classes)
        lost = [Int](repeating: 0, count: classes)
    }

    /// One sample more; nil was taken for no class.
    package mutating func add(label: Int, taken: Int?) {
        if let taken { counts[label * classes + taken] += 1 } else { lost[label] += 1 }
    }

    /// How many of `label` were taken for `taken`.
    package subscript(label: Int, taken: Int) -> Int { counts[label * classes + taken] }

    /// Samples of a class.
    package func samples(of label: Int) -> Int {
        counts[(label * classes)..<((label + 1) * classes)].reduce(lost[label], +)
    }

    /// Share of each class's samples that are right; nil where it has none.
    package var shares: [Double?] {
        (0..<classes).map { label in
            let samples = samples(of: label)
            return samples > 0 ? Double(self[label, label]) / Double(samples) : nil
        }
    }

    /// The counts of several classifiers on the same classes together.
    package static func + (a: ConfusionMatrix, b: ConfusionMatrix) -> ConfusionMatrix {
        precondition(a.classes == b.classes)
        var sum = a
        for index in sum.counts.indices { sum.counts[index] += b.counts[index] }
        for index in sum.lost.indices { sum.lost[index] += b.lost[index] }
        return sum
    }
}

/// Mean and sample standard deviation (divisor n − 1; nil for one value) of repeated measurements.
package func meanAndDeviation(_ values: [Double]) -> (mean: Double, deviation: Double?) {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    guard values.count > 1 else { return (mean, nil) }
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (square / Double(values.count - 1)).squareRoot())
}
