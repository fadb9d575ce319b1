import HLTensor
import HLViews

/// How far two anchors of a stream lie apart: distances between each and the next.
package struct AnchorDistances: Sendable {
    package private(set) var statistics: DeltaStatistics
    private var last: HostTensor?

    package init(chunks: ChunkSet, groups: [ChunkSet]) { statistics = DeltaStatistics(chunks: chunks, groups: groups) }

    /// - Throws: as `DeltaStatistics.add`.
    package mutating func add(anchors: HostTensor, ids: HostTensor, name: String) throws {
        let count = anchors.rowCount
        if count == 0 { return }
        if let last {
            try statistics.add(anchors: last, positives: anchors.rows(0..<1), ids: ids.rows(0..<1), names: (name, name))
        }
        try statistics.add(
            anchors: anchors.rows(0..<count - 1), positives: anchors.rows(1..<count), ids: ids.rows(1..<count),
            names: (name, name))
        last = anchors.gather([count - 1])
    }
}
