import HLFormats

/// How well the objects of one class are found: average precision at each of some overlaps.
package struct DetectionScore: Sendable, Equatable {
    /// An object of the class.
    package struct Target: Sendable {
        package let box: BoundingBox
        package let isDifficult: Bool

        package init(box: BoundingBox, isDifficult: Bool) {
            self.box = box
            self.isDifficult = isDifficult
        }
    }

    /// A box that is said to be one.
    package struct Guess: Sendable {
        /// The image's position.
        package let image: Int
        package let score: Double
        package let box: BoundingBox

        package init(image: Int, score: Double, box: BoundingBox) {
            self.image = image
            self.score = score
            self.box = box
        }
    }

    /// 0.5, 0.55, …, 0.95, as COCO and detectron2 average over.
    package static let thresholds = (0..<10).map { Double(50 + 5 * $0) / 100 }

    /// Objects that are not difficult.
    package let objects: Int
    package let difficult: Int
    package let detections: Int
    /// At each threshold, 0…1; nil where there is nothing to find.
    package let precisions: [Double]?

    /// The mean over all thresholds.
    package var mean: Double? { precisions.map { $0.reduce(0, +) / Double($0.count) } }

    /// A box belongs to the object that it overlaps most, of equals to the first. Boxes are taken by their scores, those of
    /// one score in the order in which they are given; the first that overlaps its object enough finds it, later ones are
    /// wrong. A box on a difficult object counts for nothing.
    ///
    /// - Parameters:
    ///   - guesses: in any order.
    ///   - targets: of each image.
    package init(
        _ guesses: [Guess], _ targets: [[Target]], rules: DetectionRules, average: PrecisionAverage,
        thresholds: [Double] = DetectionScore.thresholds
    ) {
        let difficult = targets.reduce(0) { $0 + $1.count(where: \.isDifficult) }
        let objects = targets.reduce(0) { $0 + $1.count } - difficult
        (self.objects, self.difficult, detections) = (objects, difficult, guesses.count)
        // sort() keeps the order of equals.
        let ranking = guesses.sorted { $0.score > $1.score }.map { guess in
            (guess.image, Self.best(for: guess.box, of: targets[guess.image]))
        }
        precisions =
            objects == 0
            ? nil
            : thresholds.map { threshold in
                let curve = Self.curve(ranking, targets, objects) { rules.finds(overlap: $0, threshold: threshold) }
                switch average {
                case .elevenPoints: return Self.elevenPoints(curve, rules)
                case .area: return Self.area(curve)
                }
            }
    }

    private struct Match {
        let target: Int
        let overlap: Double
    }

    private static func best(for box: BoundingBox, of targets: [Target]) -> Match? {
        var best: Match?
        for (index, target) in targets.enumerated() {
            let overlap = box.overlap(with: target.box)
            if overlap > best?.overlap ?? 0 { best = Match(target: index, overlap: overlap) }
        }
        return best
    }

    private typealias Point = (recall: Double, precision: Double)

    /// A point for every box, recalls ascending.
    private static func curve(
        _ ranking: [(image: Int, match: Match?)], _ targets: [[Target]], _ objects: Int, finds: (Double) -> Bool
    ) -> [Point] {
        var found = targets.map { [Bool](repeating: false, count: $0.count) }
        var right = 0, wrong = 0
        return ranking.map { image, match in
            if let match, finds(match.overlap) {
                if !targets[image][match.target].isDifficult {
                    if found[image][match.target] { wrong += 1 } else { right += 1 }
                    found[image][match.target] = true
                }
            } else {
                wrong += 1
            }
            let counted = right + wrong
            return (Double(right) / Double(objects), counted == 0 ? 0 : Double(right) / Double(counted))
        }
    }

    private static func elevenPoints(_ curve: [Point], _ rules: DetectionRules) -> Double {
        (0...10).reduce(0) { sum, point in
            let recall = rules.recall(at: point)
            return sum + (curve.lazy.filter { $0.recall >= recall }.map(\.precision).max() ?? 0) / 11
        }
    }

    private static func area(_ curve: [Point]) -> Double {
        var area = 0.0, greatest = 0.0
        // From the end, where the greatest precision beyond is known.
        for (index, point) in curve.enumerated().reversed() {
            greatest = max(greatest, point.precision)
            area += (point.recall - (index > 0 ? curve[index - 1].recall : 0)) * greatest
        }
        return area
    }
}

extension BoundingBox {
    /// The area of the intersection over that of the union.
    package func overlap(with other: BoundingBox) -> Double {
        let width = min(right, other.right) - max(left, other.left) + 1
        let height = min(bottom, other.bottom) - max(top, other.top) + 1
        guard width > 0, height > 0 else { return 0 }
        let shared = width * height
        return shared / (area + other.area - shared)
    }
}
