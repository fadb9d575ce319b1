import HLCompute
import HLTensor

/// What metrics need to have seen of a set of embeddings.
package struct EmbeddingNeeds: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// Mean and scatter, in memory of d².
    package static let distribution = EmbeddingNeeds(rawValue: 1)
    /// All embeddings, in memory of 4 N d bytes.
    package static let rows = EmbeddingNeeds(rawValue: 2)
    /// How several views of a sample lie together, in memory of d².
    package static let views = EmbeddingNeeds(rawValue: 4)
}

/// The embeddings of a stream, as far as metrics need them.
package struct EmbeddingSet: Sendable {
    /// Samples N.
    package let count: Int
    /// d.
    package let dimension: Int
    /// Where `distribution` was asked for.
    package let distribution: EmbeddingDistribution?
    /// F32 [N, d], where `rows` was asked for.
    package let rows: HostTensor?
    /// Where `views` was asked for.
    package let views: ViewScatter?

    /// Takes in a stream a batch at a time.
    package struct Accumulator {
        private let dimension: Int
        private var distribution: EmbeddingDistribution.Accumulator?
        private var views: ViewScatter.Accumulator?
        private let keepsRows: Bool
        private var rows: [HostTensor] = []
        package private(set) var count = 0

        /// - Parameter viewCount: views in a batch, of which the first is the one that metrics of one view take.
        package init(dimension: Int, viewCount: Int, needs: EmbeddingNeeds, algebra: LinearAlgebra) {
            self.dimension = dimension
            keepsRows = needs.contains(.rows)
            if needs.contains(.distribution) {
                distribution = EmbeddingDistribution.Accumulator(dimension: dimension, algebra: algebra)
            }
            if needs.contains(.views) {
                views = ViewScatter.Accumulator(dimension: dimension, views: viewCount, algebra: algebra)
            }
        }

        /// - Parameters:
        ///   - view: F32 [B, d], finite: the view that metrics of one view take.
        ///   - all: those of all views, where `views` was asked for.
        package mutating func add(_ view: HostTensor, all: [HostTensor] = []) {
            count += view.rowCount
            distribution?.add(view)
            views?.add(all)
            if keepsRows { rows.append(view) }
        }

        /// At least one sample has come.
        package mutating func finished() -> EmbeddingSet {
            let kept = keepsRows ? HostTensor.concatenate(rows) : nil
            rows = []
            return EmbeddingSet(
                count: count, dimension: dimension, distribution: distribution?.finished(), rows: kept,
                views: views?.finished())
        }
    }
}
