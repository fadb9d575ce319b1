import HLTensor

/// Limited-memory BFGS (Liu & Nocedal, *On the limited memory BFGS method for large scale optimization*, 1989) in
/// float64, for functions whose values and gradients are known to the precision of float32 products.
///
/// Every step satisfies the strong Wolfe conditions, or their approximation where the function has become too flat for its
/// values to be compared (`WolfeSearch`). The minimisation ends where the gradient is small enough, where no step leads
/// further down, or at the limit of iterations; `Outcome.end` says which.
package struct LBFGS: Sendable, Equatable {
    /// Pairs of steps and changes of the gradient that the inverse Hessian is made of; 10 as in scipy's L-BFGS-B.
    package var memory: Int
    /// Largest absolute entry of the gradient at which the minimum counts as reached (scipy's `gtol`).
    package var tolerance: Double
    /// Largest share of the value that the last step may have lowered it by where the minimum counts as reached; infinite
    /// asks for none. A gradient alone has the scale of whatever it is taken with regard to, so that it is small far from
    /// the minimum of a function which is flat everywhere.
    package var improvement: Double
    /// Steps at most.
    package var iterationLimit: Int

    /// As scikit-learn's logistic regression has it by default, unless told otherwise.
    package init(
        memory: Int = 10, tolerance: Double = 1e-4, improvement: Double = .infinity, iterationLimit: Int = 100
    ) {
        self.memory = memory
        self.tolerance = tolerance
        self.improvement = improvement
        self.iterationLimit = iterationLimit
    }

    /// Why a minimisation ended.
    package enum End: String, Sendable {
        /// The gradient is within the tolerance, and the last step changed little.
        case converged
        /// No step leads further down: rounding hides the rest.
        case stalled
        /// The limit of iterations was reached.
        case limit
    }

    /// Where a minimisation ended.
    package struct Outcome: Sendable {
        /// The point.
        package let point: [Double]
        /// The function there.
        package let value: Double
        /// Largest absolute entry of the gradient there, as the problem measures it.
        package let gradientNorm: Double
        /// Steps taken.
        package let iterations: Int
        /// Gradients computed.
        package let evaluations: Int
        /// Why there.
        package let end: End
    }

    /// Minimises a function from `start`.
    ///
    /// - Parameters:
    ///   - curvature: an estimate of the Hessian's diagonal, all above 0, which the inverse Hessian starts from; nil for
    ///     none. It changes the way to the minimum and not the minimum.
    ///   - norm: measures a gradient against the tolerance; the largest absolute entry unless given.
    ///   - function: the value at a point, with the gradient written into the second argument.
    package func minimise(
        from start: [Double], curvature: [Double]? = nil, norm: ([Double]) throws -> Double = Vectors.largest,
        _ function: ([Double], inout [Double]) throws -> Double
    ) rethrows -> Outcome {
        precondition(curvature.map { $0.count == start.count && $0.allSatisfy { $0 > 0 } } ?? true)
        var state = WolfeSearch.State(point: start, value: 0, gradient: [Double](repeating: 0, count: start.count))
        state.value = try function(state.point, &state.gradient)
        var history = History(limit: memory, curvature: curvature), search = WolfeSearch(evaluations: 1)
        var iterations = 0, size = try norm(state.gradient), flat = 0, isSettled = improvement == .infinity
        func outcome(_ end: End) -> Outcome {
            Outcome(
                point: state.point, value: state.value, gradientNorm: size, iterations: iterations,
                evaluations: search.evaluations, end: end)
        }
        while !(size <= tolerance && isSettled) {
            // What is no number shows no way.
            guard size.isFinite && state.value.isFinite else { return outcome(.stalled) }
            if iterations == iterationLimit { return outcome(.limit) }
            let direction = history.direction(state.gradient)
            let first = history.isEmpty && curvature == nil ? min(1, 1 / Vectors.length(state.gradient)) : 1
            guard let next = try search.step(from: state, along: direction, first: first, function) else {
                // Once more down the gradient itself, before giving up.
                if history.isEmpty { return outcome(size <= tolerance ? .converged : .stalled) }
                history.forget()
                continue
            }
            // Values that no longer tell points apart end it after a few steps, unless the gradient still shrinks.
            let nextSize = try norm(next.gradient)
            let decrease = state.value - next.value
            flat = decrease <= 1e-9 * abs(state.value) && nextSize >= 0.9 * size ? flat + 1 : 0
            isSettled = decrease <= improvement * abs(state.value)
            history.add(from: state, to: next)
            (state, size, iterations) = (next, nextSize, iterations + 1)
            if flat == 5 && size > tolerance { return outcome(.stalled) }
        }
        return outcome(.converged)
    }
}

/// The last steps and what they changed the gradient by.
private struct History {
    private var pairs: [(step: [Double], change: [Double], product: Double)] = []
    private let limit: Int
    private let inverse: [Double]?
    /// yᵀs / yᵀ D⁻¹ y of the last pair.
    private var scale = 1.0

    init(limit: Int, curvature: [Double]?) {
        self.limit = limit
        inverse = curvature?.map { 1 / $0 }
    }

    var isEmpty: Bool { pairs.isEmpty }

    mutating func forget() {
        pairs = []
        scale = 1
    }

    mutating func add(from old: WolfeSearch.State, to new: WolfeSearch.State) {
        let step = Vectors.difference(new.point, old.point), change = Vectors.difference(new.gradient, old.gradient)
        let product = Vectors.dot(step, change), norm = Vectors.dot(scaled(change), change)
        // A pair without curvature would make the inverse Hessian indefinite.
        guard product > 1e-12 * norm, norm > 0 else { return }
        if pairs.count == limit { pairs.removeFirst() }
        pairs.append((step, change, product))
        scale = product / norm
    }

    /// −H g by the two loops of Nocedal & Wright, *Numerical Optimization*, algorithm 7.4.
    func direction(_ gradient: [Double]) -> [Double] {
        var direction = gradient.map { -$0 }, weights = [Double](repeating: 0, count: pairs.count)
        for (index, pair) in pairs.enumerated().reversed() {
            weights[index] = Vectors.dot(pair.step, direction) / pair.product
            Vectors.add(-weights[index], pair.change, to: &direction)
        }
        direction = scaled(direction)
        Vectors.scale(&direction, by: scale)
        for (index, pair) in pairs.enumerated() {
            let back = Vectors.dot(pair.change, direction) / pair.product
            Vectors.add(weights[index] - back, pair.step, to: &direction)
        }
        return direction
    }

    private func scaled(_ vector: [Double]) -> [Double] {
        guard let inverse else { return vector }
        return Vectors.product(vector, inverse)
    }
}
