import HLCompute
import HLTensor

/// What metrics are computed from. What several of them share is computed once.
package final class MetricInputs {
    package let set: EmbeddingSet
    package let options: MetricOptions
    let algebra: LinearAlgebra
    /// Called with the pairs of samples that have been looked at since the last call, on any thread, one at a time.
    let progress: (Int) -> Void
    private let comparedWith: EmbeddingSet?
    private let makeBackend: () throws -> any Backend
    private var made: (any Backend)?
    private var counted: NeighbourCounts?

    /// - Parameter backend: not asked for before a metric needs it, and then once.
    package init(
        _ set: EmbeddingSet, reference: EmbeddingSet?, options: MetricOptions, algebra: LinearAlgebra,
        backend: @autoclosure @escaping () throws -> any Backend, progress: @escaping (Int) -> Void = { _ in }
    ) {
        self.set = set
        comparedWith = reference
        self.options = options
        self.algebra = algebra
        makeBackend = backend
        self.progress = progress
    }

    /// What pairs of samples are looked at on.
    var backend: any Backend {
        get throws {
            if let made { return made }
            let backend = try makeBackend()
            made = backend
            return backend
        }
    }

    /// Metrics between sets are asked for where there are two.
    var reference: EmbeddingSet {
        guard let comparedWith else { preconditionFailure("a metric between sets, without a reference") }
        return comparedWith
    }

    /// Whose neighbours lie where, for precision and recall and for density and coverage.
    func neighbourCounts() throws -> NeighbourCounts {
        if let counted { return counted }
        let (reference, samples) = (reference.required(\.rows), set.required(\.rows))
        // With fewer points the metric that wants more neighbours has been refused.
        let most = min(reference.rowCount, samples.rowCount) - 1
        let radii = (
            precision: min(options.precisionNeighbours, most),
            density: min(options.densityNeighbours, most)
        )
        let counts = try NeighbourCounts(
            reference: reference, samples: samples, radii: radii, on: backend, progress: progress)
        counted = counts
        return counts
    }
}

extension EmbeddingSet {
    /// A part that the metric's needs name.
    package func required<Part>(_ part: KeyPath<EmbeddingSet, Part?>) -> Part {
        guard let part = self[keyPath: part] else { preconditionFailure("a metric needs what it does not name") }
        return part
    }
}
