/// What the command line says about metrics.
package struct MetricOptions: Sendable {
    /// ε of RankMe and LiDAR.
    package var epsilon = 1e-7
    /// Ranks of the eigenvalues that α-ReQ fits, from 1.
    package var ranks = 12...100
    /// Which neighbour a neighbourhood reaches to; nil takes each metric's own.
    package var neighbours: Int?
    /// Subsets of the kernel distance.
    package var subsets = 100
    /// Samples in each; 0 takes all at once, nil the usual number or all where there are no more.
    package var subsetSize: Int?
    package var seed: UInt64 = 0

    package init() {}

    /// k of precision and recall; 3 in their paper.
    var precisionNeighbours: Int { neighbours ?? 3 }
    /// k of density and coverage; 5 in their authors' code.
    var densityNeighbours: Int { neighbours ?? 5 }
}
