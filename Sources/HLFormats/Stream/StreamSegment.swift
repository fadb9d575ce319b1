/// One of the streams that are joined to one, or the only one: a header, and all up to its end record.
package final class StreamSegment: Sendable {
    /// From 0, in the order in which they were joined.
    package let number: Int
    package let header: StreamHeader

    package init(number: Int, header: StreamHeader) {
        self.number = number
        self.header = header
    }
}

/// Of which of the joined streams the samples of a batch are: one run of samples after the other.
struct SegmentRuns: Sendable {
    private(set) var runs: [(segment: StreamSegment, count: Int)] = []

    init() {}

    init(_ segment: StreamSegment, count: Int) { append(segment, count: count) }

    mutating func append(_ segment: StreamSegment, count: Int) {
        guard count > 0 else { return }
        if let last = runs.indices.last, runs[last].segment === segment {
            runs[last].count += count
        } else {
            runs.append((segment, count))
        }
    }

    func rows(_ range: Range<Int>) -> SegmentRuns {
        var result = SegmentRuns(), start = 0
        for run in runs {
            let part = (start..<start + run.count).clamped(to: range)
            result.append(run.segment, count: part.count)
            start += run.count
        }
        return result
    }

    func gather(_ indices: [Int]) -> SegmentRuns {
        var result = SegmentRuns()
        if let only = runs.first, runs.count == 1 {
            result.append(only.segment, count: indices.count)
        } else if !runs.isEmpty {
            let segments = runs.flatMap { [StreamSegment](repeating: $0.segment, count: $0.count) }
            for index in indices { result.append(segments[index], count: 1) }
        }
        return result
    }
}
