import HLTensor

/// What scores of samples with several labels are worth: average precision, class by class.
package struct RankingScore: Sendable, Equatable {
    /// Of each class, 0…1; nil where no sample shows it, or none lacks it.
    package let precisions: [Double?]

    /// The mean over the classes that have one; NaN where none has.
    package var mean: Double {
        let known = precisions.compactMap(\.self)
        return known.isEmpty ? .nan : known.reduce(0, +) / Double(known.count)
    }

    /// The 11-point average precision of Pascal VOC 2007 (Everingham et al., *The Pascal visual object classes (VOC)
    /// challenge*, 2010, section 4.2): the mean over recalls 0, 0.1, …, 1 of the greatest precision at that recall or
    /// beyond. Samples of one score come in together, as in scikit-learn's precision_recall_curve.
    ///
    /// - Parameters:
    ///   - scores: F32 [N, classes].
    ///   - shown: U8 [N, classes]: 1 where a sample shows the class, 0 where not, 255 leaves it out of the class.
    package init(scores: HostTensor, shown: HostTensor) {
        precondition(scores.shape == shown.shape && shown.type == .u8)
        let classes = scores.rowSize, count = scores.rowCount
        precisions = scores.withUnsafeElements(as: Float.self) { values in
            shown.withUnsafeElements(as: UInt8.self) { marks in
                (0..<classes).map { label in
                    var ranking: [(score: Float, isShown: Bool)] = []
                    ranking.reserveCapacity(count)
                    for row in 0..<count where marks[row * classes + label] != 255 {
                        let score = values[row * classes + label]
                        ranking.append((score.isNaN ? -.infinity : score, marks[row * classes + label] == 1))
                    }
                    return Self.elevenPoints(ranking.sorted { $0.score > $1.score })
                }
            }
        }
    }

    private static func elevenPoints(_ ranking: [(score: Float, isShown: Bool)]) -> Double? {
        let positives = ranking.count { $0.isShown }
        guard positives > 0, positives < ranking.count else { return nil }
        // The greatest precision at every recall k / 10 or beyond: each point raises all recalls up to its own.
        var best = [Double](repeating: 0, count: 11), found = 0
        for (index, sample) in ranking.enumerated() {
            found += sample.isShown ? 1 : 0
            if index + 1 < ranking.count && ranking[index + 1].score == sample.score { continue }
            let precision = Double(found) / Double(index + 1)
            for point in 0...10 where found * 10 >= point * positives { best[point] = max(best[point], precision) }
        }
        return best.reduce(0, +) / 11
    }
}
