/// How many samples of each class were taken for each. In memory of the samples and classes, whose square it does not keep:
/// most pairs of many classes are never taken for each other.
package struct ConfusionMatrix: Sendable, Equatable {
    /// Classes.
    package let classes: Int
    /// Counts above 0 by `label * classes + taken`.
    private var counts: [Int: Int] = [:]
    /// Samples of each class.
    private var samples: [Int]

    package init(classes: Int) {
        self.classes = classes
        samples = [Int](repeating: 0, count: classes)
    }

    /// One sample more; nil was taken for no class.
    package mutating func add(label: Int, taken: Int?) {
        samples[label] += 1
        if let taken { counts[label * classes + taken, default: 0] += 1 }
    }

    /// How many of `label` were taken for `taken`.
    package subscript(label: Int, taken: Int) -> Int { counts[label * classes + taken] ?? 0 }

    /// Samples of a class.
    package func samples(of label: Int) -> Int { samples[label] }

    /// Share of each class's samples that are right; nil where it has none.
    package var shares: [Double?] {
        (0..<classes).map { samples[$0] > 0 ? Double(self[$0, $0]) / Double(samples[$0]) : nil }
    }

    /// The counts of several classifiers on the same classes together.
    package static func + (a: ConfusionMatrix, b: ConfusionMatrix) -> ConfusionMatrix {
        precondition(a.classes == b.classes)
        var sum = a
        sum.counts.merge(b.counts, uniquingKeysWith: +)
        for label in sum.samples.indices { sum.samples[label] += b.samples[label] }
        return sum
    }
}
