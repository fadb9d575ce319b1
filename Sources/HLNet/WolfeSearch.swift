import HLTensor

/// A line search for the strong Wolfe conditions: bracketing and cubic interpolation (Nocedal & Wright, *Numerical
/// Optimization*, algorithms 3.5 and 3.6).
///
/// Near a minimum the differences of values drown in rounding. There a point also counts where the slopes alone say that
/// it is right, and its value is above the first by no more than rounding: the approximate Wolfe conditions of Hager &
/// Zhang, *A new conjugate gradient method with guaranteed descent*, SIAM J. Optim. 16 (2005), section 4.
struct WolfeSearch {
    /// A point of the function.
    struct State {
        /// Where.
        var point: [Double]
        /// The value there.
        var value: Double
        /// The gradient there.
        var gradient: [Double]
    }

    /// A step's length, the function there, and its slope along the direction.
    private struct Trial {
        let length: Double
        let state: State
        let slope: Double
    }

    /// Gradients computed so far.
    var evaluations: Int

    private static let decrease = 1e-4
    private static let flattening = 0.9
    /// What is rounding of a value, relative to it.
    private static let rounding = 1e-7
    /// Gradients that one search may cost.
    private static let limit = 20

    /// The first point found along `direction` that satisfies the conditions; where none is found, the lowest that is lower
    /// than the start by more than nothing, or nil.
    mutating func step(
        from start: State, along direction: [Double], first: Double,
        _ function: ([Double], inout [Double]) throws -> Double
    ) rethrows -> State? {
        let slope = Vectors.dot(start.gradient, direction)
        guard slope < 0 else { return nil }
        let origin = Trial(length: 0, state: start, slope: slope), budget = evaluations + Self.limit
        var previous = origin, length = first
        while evaluations < budget {
            let trial = try evaluate(origin, direction, length, function)
            if !trial.state.value.isFinite || !trial.slope.isFinite {
                length = (previous.length + length) / 2
                continue
            }
            if isAccepted(trial, origin) { return trial.state }
            if isTooHigh(trial, origin) || (previous.length > 0 && trial.state.value >= previous.state.value) {
                return try zoom(low: previous, high: trial, origin, direction, budget, function)
            }
            if trial.slope >= 0 { return try zoom(low: trial, high: previous, origin, direction, budget, function) }
            (previous, length) = (trial, min(trial.length * 4, Self.extrapolated(previous, trial)))
        }
        return lowest(previous, origin)
    }

    private mutating func zoom(
        low: Trial, high: Trial, _ origin: Trial, _ direction: [Double], _ budget: Int,
        _ function: ([Double], inout [Double]) throws -> Double
    ) rethrows -> State? {
        var (low, high) = (low, high)
        while evaluations < budget, abs(high.length - low.length) > 1e-12 * max(low.length, high.length) {
            let trial = try evaluate(origin, direction, Self.between(low, high), function)
            if trial.state.value.isFinite && isAccepted(trial, origin) { return trial.state }
            if !trial.state.value.isFinite || isTooHigh(trial, origin) || trial.state.value >= low.state.value {
                high = trial
            } else {
                if trial.slope * (high.length - low.length) >= 0 { high = low }
                low = trial
            }
        }
        return lowest(low, origin)
    }

    private mutating func evaluate(
        _ origin: Trial, _ direction: [Double], _ length: Double,
        _ function: ([Double], inout [Double]) throws -> Double
    ) rethrows -> Trial {
        let point = Vectors.sum(origin.state.point, length, direction)
        var gradient = [Double](repeating: 0, count: point.count)
        let value = try function(point, &gradient)
        evaluations += 1
        return Trial(
            length: length, state: State(point: point, value: value, gradient: gradient),
            slope: Vectors.dot(gradient, direction))
    }

    private func isTooHigh(_ trial: Trial, _ origin: Trial) -> Bool {
        trial.state.value > origin.state.value + Self.decrease * trial.length * origin.slope
    }

    private func isAccepted(_ trial: Trial, _ origin: Trial) -> Bool {
        guard abs(trial.slope) <= -Self.flattening * origin.slope else { return false }
        if !isTooHigh(trial, origin) { return true }
        return trial.state.value <= origin.state.value + Self.rounding * abs(origin.state.value)
            && trial.slope <= (2 * Self.decrease - 1) * origin.slope
    }

    private func lowest(_ trial: Trial, _ origin: Trial) -> State? {
        trial.length > 0 && trial.state.value < origin.state.value ? trial.state : nil
    }

    /// Where the cubic through both values and slopes has its minimum, kept away from the ends.
    private static func between(_ a: Trial, _ b: Trial) -> Double {
        let width = b.length - a.length
        let guess = b.state.value.isFinite ? cubicMinimum(a, b) : nil
        let share = guess.map { ($0 - a.length) / width } ?? 0.5
        return a.length + width * (share.isFinite ? min(max(share, 0.1), 0.9) : 0.5)
    }

    /// Beyond `b`, where the cubic has its minimum or twice as far.
    private static func extrapolated(_ a: Trial, _ b: Trial) -> Double {
        guard let guess = cubicMinimum(a, b), guess > 1.1 * b.length else { return 2 * b.length }
        return guess
    }

    /// Nocedal & Wright, equation 3.59.
    private static func cubicMinimum(_ a: Trial, _ b: Trial) -> Double? {
        let width = b.length - a.length
        let d1 = a.slope + b.slope - 3 * (a.state.value - b.state.value) / (a.length - b.length)
        let square = d1 * d1 - a.slope * b.slope
        guard square >= 0 else { return nil }
        let d2 = width > 0 ? square.squareRoot() : -square.squareRoot()
        let result = b.length - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
        return result.isFinite ? result : nil
    }
}
