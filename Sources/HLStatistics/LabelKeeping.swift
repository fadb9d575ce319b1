import HLTensor

/// Which share of the views of many anchors keep their anchor's class, as a classifier tells it: where in the latent the
/// content is, on generators that know no classes themselves. In constant memory.
package struct LabelKeeping: Sendable {
    /// What is counted of one view of all anchors.
    package struct View: Sendable {
        fileprivate(set) var keptCount = 0
        /// Views of each class.
        package fileprivate(set) var counts: [Int]
        /// Mean absolute difference of a view's pixels to its anchor's, of 0 to 1.
        package fileprivate(set) var change = StreamingDistribution()
    }

    /// Anchors of each class.
    package private(set) var counts: [Int]
    package private(set) var views: [View]

    /// - Parameters:
    ///   - classes: that the classifier knows.
    ///   - views: of each anchor.
    package init(classes: Int, views: Int) {
        counts = [Int](repeating: 0, count: classes)
        self.views = [View](repeating: View(counts: counts), count: views)
    }

    /// Anchors.
    package var total: Int { counts.reduce(0, +) }

    /// Adds a batch.
    /// - Parameters:
    ///   - anchors: B classes.
    ///   - views: the classes of their views, B each, in one order always.
    ///   - changes: `Self.change` of their images.
    package mutating func add(anchors: [Int], views added: [(labels: [Int], changes: [Double])]) {
        precondition(added.count == views.count)
        for label in anchors { counts[label] += 1 }
        for (number, view) in added.enumerated() {
            precondition(view.labels.count == anchors.count && view.changes.count == anchors.count)
            for (label, anchor) in zip(view.labels, anchors) {
                views[number].counts[label] += 1
                views[number].keptCount += label == anchor ? 1 : 0
            }
            view.changes.withUnsafeBufferPointer { changes in
                if let base = changes.baseAddress { views[number].change.add(base, count: changes.count, stride: 1) }
            }
        }
    }

    /// Anchors whose view is of their class, of view `number`, counted from 0.
    package func kept(_ number: Int) -> Proportion { Proportion(count: views[number].keptCount, total: total) }

    /// Σ p q over the classes' shares p of the anchors and q of a view: the share of anchors that would keep their class by
    /// chance, if their views' classes had nothing to do with it (Cohen's kappa, 1960, compares with it).
    package func independent(_ number: Int) -> Double {
        let pairs = zip(counts, views[number].counts).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        return pairs / Double(total) / Double(total)
    }

    /// How often two different anchors are of one class, Σ n (n − 1) / N (N − 1): the unbiased estimate of Σ p², the chance
    /// that views without any content of their anchor keep its class. NaN for fewer than two anchors.
    package var chance: Double {
        let n = Double(total)
        guard n > 1 else { return .nan }
        return counts.reduce(0.0) { $0 + Double($1) * (Double($1) - 1) } / n / (n - 1)
    }

    /// 95 % interval of `chance`, by the normal distribution that the estimate has for many anchors: its variance is
    /// 4 / N (Σ p³ − (Σ p²)²).
    package var chanceInterval: ClosedRange<Double> {
        let n = Double(total), shares = counts.map { Double($0) / n }
        let squares = shares.reduce(0) { $0 + $1 * $1 }, cubes = shares.reduce(0) { $0 + $1 * $1 * $1 }
        let reach = 1.959_963_984_540_054 * (4 / n * max(0, cubes - squares * squares)).squareRoot()
        guard chance.isFinite, reach.isFinite else { return 0...1 }
        return max(0, chance - reach)...min(1, chance + reach)
    }

    /// The mean absolute difference of two images' pixels, of 0 to 1, for each of B.
    /// - Parameters: U8 (0…255) or F32 (0…1), [B, 3, H, W], of one type and shape.
    package static func change(from anchors: HostTensor, to views: HostTensor) -> [Double] {
        precondition(anchors.type == views.type && anchors.shape == views.shape)
        let size = anchors.rowSize
        guard anchors.type == .u8 else {
            return rows(anchors, views, as: Float.self) { a, b in
                (0..<size).reduce(0.0) { $0 + Double(abs(a[$1] - b[$1])) } / Double(size)
            }
        }
        return rows(anchors, views, as: UInt8.self) { a, b in
            var sum = 0
            for i in 0..<size { sum += abs(Int(a[i]) - Int(b[i])) }
            return Double(sum) / Double(size) / 255
        }
    }

    private static func rows<Element: BitwiseCopyable>(
        _ a: HostTensor, _ b: HostTensor, as type: Element.Type,
        _ body: (UnsafePointer<Element>, UnsafePointer<Element>) -> Double
    ) -> [Double] {
        a.withUnsafeElements(as: type) { first in
            b.withUnsafeElements(as: type) { second in
                guard let first = first.baseAddress, let second = second.baseAddress else { return [] }
                return (0..<a.rowCount).map { body(first + $0 * a.rowSize, second + $0 * a.rowSize) }
            }
        }
    }
}
