/// When a walker's training is over: its loss, large at first, falls while the estimator learns that T moves little, and
/// rises as T learns to move; the walker is taken where the loss comes back up to a chosen value. With the same value for
/// every chunk their δ can be compared (section 4.1 and Table 1 of the paper, at about 1.05).
package struct StopRule: Sendable, Equatable {
    /// The value that the loss has to come back to.
    package let threshold: Double
    /// Steps that the loss is averaged over.
    package let window: Int
    /// The last losses, at most `window` of them, oldest first.
    package private(set) var recent: [Double]
    /// The lowest average so far; infinite before there is one.
    package private(set) var lowest: Double

    /// The average has to be below this share of the threshold once: noise around the threshold on the way down is no
    /// return.
    package static let fallenShare = 0.9

    package init(threshold: Double, window: Int, recent: [Double] = [], lowest: Double = .infinity) {
        precondition(window > 0)
        self.threshold = threshold
        self.window = window
        self.recent = Array(recent.suffix(window))
        self.lowest = lowest
    }

    /// The average over the last `window` steps; nil before there are so many.
    package var average: Double? {
        recent.count < window ? nil : recent.reduce(0, +) / Double(window)
    }

    /// Whether the average has been clearly below the threshold.
    package var hasFallen: Bool { lowest < Self.fallenShare * threshold }

    /// Whether the loss has fallen and is back.
    package var isOver: Bool { hasFallen && average ?? -.infinity >= threshold }

    /// Takes a step's loss.
    package mutating func add(_ loss: Double) {
        recent.append(loss)
        if recent.count > window { recent.removeFirst() }
        if let average { lowest = min(lowest, average) }
    }
}
