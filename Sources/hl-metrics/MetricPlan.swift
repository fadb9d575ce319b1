import HLCommand
import HLStatistics
import HLTensor

/// Which of the chosen metrics the input allows. Warns of those that may mislead.
struct MetricPlan {
    /// What is left out and why, with the way out.
    struct Omission {
        let metric: EmbeddingMetric
        let what: String
        let remedy: String
    }

    private(set) var metrics: [EmbeddingMetric] = []
    private(set) var leftOut: [Omission] = []

    private let isExplicit: Bool

    /// - Parameter isExplicit: whether the metrics were asked for by name.
    /// - Throws: `Failure` (data) for a metric that was asked for and cannot be computed, or where none can.
    init(_ chosen: [EmbeddingMetric], _ subject: MetricSubject, isExplicit: Bool) throws {
        self.isExplicit = isExplicit
        for metric in chosen {
            switch metric.verdict(subject) {
            case .fine: metrics.append(metric)
            case .doubtful(let why):
                warn(why)
                metrics.append(metric)
            case .impossible(let what, let remedy): try leaveOut(metric, Failure(.data, what, remedy))
            case .absent(let what, let remedy):
                // What nobody asked for and the stream does not have deserves no warning.
                if isExplicit { throw Failure(.data, what, remedy) }
                leftOut.append(Omission(metric: metric, what: what, remedy: remedy))
            }
        }
        try requireSome(metrics.isEmpty)
    }

    /// Pairs of samples that will be looked at; nil where there are none.
    func pairs(of subject: MetricSubject) -> Int? {
        let counts = metrics.reduce(into: [String: Int]()) { $0.merge($1.pairs(subject)) { first, _ in first } }
        return counts.isEmpty ? nil : counts.values.reduce(0, +)
    }

    /// Computes the metrics. What shows only then to be impossible is left out as well.
    /// - Throws: as `init`, and whatever the backend throws.
    mutating func results(_ inputs: MetricInputs) throws -> [(metric: EmbeddingMetric, result: MetricResult)] {
        var results: [(metric: EmbeddingMetric, result: MetricResult)] = []
        for metric in metrics {
            do {
                results.append((metric, try metric.measure(inputs)))
            } catch let failure as Failure where failure.kind == .data {
                try leaveOut(metric, failure)
            }
        }
        try requireSome(results.isEmpty)
        return results
    }

    private mutating func leaveOut(_ metric: EmbeddingMetric, _ failure: Failure) throws {
        if isExplicit { throw failure }
        warn("\(metric.name) is left out: \(failure.what)")
        leftOut.append(Omission(metric: metric, what: failure.what, remedy: failure.remedy))
    }

    private func requireSome(_ isEmpty: Bool) throws {
        if isEmpty, let first = leftOut.first {
            throw Failure(.data, "the input allows no metric: \(first.what)", first.remedy)
        }
    }
}
