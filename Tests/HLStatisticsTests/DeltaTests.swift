import HLFormats
import HLStatistics
import HLTensor
import HLViews
import Testing

/// The distance of two numbers, relative to the second.
private func error(_ value: Double, _ expected: Double) -> Double {
    expected == 0 ? abs(value) : abs(value / expected - 1)
}

private func ids(_ count: Int, from first: Int64 = 0) -> HostTensor {
    HostTensor((0..<count).map { first + Int64($0) }, shape: [count])
}

struct DeltaTests {
    private let anchors: HostTensor
    private let positives: HostTensor
    private let expected: JSONValue

    init() throws {
        expected = try fixture("delta")
        let shape = try #require(expected["shape"]).numbers.map { Int($0) }
        anchors = HostTensor(try #require(expected["anchors"]).numbers.map { Float($0) }, shape: shape)
        positives = HostTensor(try #require(expected["positives"]).numbers.map { Float($0) }, shape: shape)
    }

    private func statistics(_ cuts: [Int] = []) throws -> DeltaStatistics {
        var statistics = DeltaStatistics(chunks: try ChunkSet(parsing: "0,2-3"))
        for (low, high) in zip([0] + cuts, cuts + [anchors.rowCount]) {
            try statistics.add(
                anchors: anchors.rows(low..<high), positives: positives.rows(low..<high), ids: ids(high - low))
        }
        return statistics
    }

    private func expectEqual(_ distribution: StreamingDistribution, _ expected: JSONValue) throws {
        #expect(distribution.count == anchors.rowCount)
        #expect(error(distribution.mean, try #require(expected["mean"]?.number)) < 1e-12)
        let std = try #require(expected["std"]?.number)
        #expect(error(distribution.standardDeviation, std) < 1e-12)
        #expect(error(distribution.standardError, std / Double(anchors.rowCount).squareRoot()) < 1e-12)
        #expect(error(distribution.minimum, try #require(expected["min"]?.number)) < 1e-14)
        #expect(error(distribution.maximum, try #require(expected["max"]?.number)) < 1e-14)
        let fractions = try #require(expected["fractions"]).numbers
        let quantiles = try #require(expected["quantiles"]).numbers
        #expect(fractions.count == 7 && quantiles.count == 7)
        for (fraction, quantile) in zip(fractions, quantiles) {
            #expect(error(distribution.quantile(fraction), quantile) <= StreamingDistribution.quantileError)
        }
    }

    @Test func agreesWithNumpy() throws {
        let statistics = try statistics()
        let chunks = try #require(expected["chunks"]?.array)
        #expect(chunks.count == 3 && statistics.perChunk.count == 3)
        for (distribution, chunk) in zip(statistics.perChunk, chunks) { try expectEqual(distribution, chunk) }
        try expectEqual(statistics.together, try #require(expected["together"]))
        #expect(statistics.perChunk.map(\.zeroCount) == [0, 1, 0])
        #expect(statistics.orderings.count == 3)
        for ordering in statistics.orderings {
            let below = expected["below"]?["\(ordering.first)<\(ordering.second)"]?.integer
            #expect(below == Int64(ordering.count) && ordering.total == anchors.rowCount)
        }
    }

    @Test func doesNotDependOnBatches() throws {
        let whole = try statistics()
        for cuts in [[1], [5, 6, 20], Array(1..<37)] {
            let parts = try statistics(cuts)
            for (a, b) in zip(parts.perChunk + [parts.together], whole.perChunk + [whole.together]) {
                #expect(a.mean == b.mean && a.standardDeviation == b.standardDeviation)
                #expect(a.quantile(0.3) == b.quantile(0.3) && a.minimum == b.minimum && a.maximum == b.maximum)
            }
            #expect(parts.orderings == whole.orderings)
        }
    }

    /// A group is one vector: its δ is that of all chosen chunks, where these are chosen.
    @Test func groupsAreOneVector() throws {
        let groups = try ["0-1", "2-3", "0,3"].map { try ChunkSet(parsing: $0) }
        var whole = DeltaStatistics(chunks: ChunkSet(all: 4), groups: groups)
        try whole.add(anchors: anchors, positives: positives, ids: ids(37))
        #expect(whole.perGroup.count == 3)
        var distances: [[Double]] = []
        for (group, distribution) in zip(groups, whole.perGroup) {
            var part = DeltaStatistics(chunks: group)
            var own: [Double] = []
            for sample in 0..<37 {
                let rows = sample..<sample + 1
                var one = DeltaStatistics(chunks: group)
                try one.add(anchors: anchors.rows(rows), positives: positives.rows(rows), ids: ids(1))
                own.append(one.together.mean)
                try part.add(anchors: anchors.rows(rows), positives: positives.rows(rows), ids: ids(1))
            }
            distances.append(own)
            #expect(error(distribution.mean, part.together.mean) < 1e-14)
            #expect(distribution.minimum == part.together.minimum && distribution.maximum == part.together.maximum)
        }
        #expect(whole.orderings.count == 6 && whole.groupOrderings.count == 3)
        for ordering in whole.groupOrderings {
            let expected = zip(distances[ordering.first], distances[ordering.second]).filter { $0 < $1 }.count
            #expect(ordering.count == expected && ordering.total == 37)
        }
        var plain = DeltaStatistics(chunks: ChunkSet(all: 4))
        try plain.add(anchors: anchors, positives: positives, ids: ids(37))
        #expect(plain.orderings == whole.orderings && plain.groupOrderings.isEmpty)
        var outside = DeltaStatistics(chunks: ChunkSet(0), groups: [ChunkSet(4)])
        #expect(throws: Failure.self) { try outside.add(anchors: anchors, positives: positives, ids: ids(37)) }
    }

    @Test func longStreamsKeepTheirDigits() throws {
        // Distances 1000 + i / n in one dimension: a small spread on a large mean, more samples than a block.
        let count = 5000
        let distances = (0..<count).map { 1000 + Float($0 * 7919 % count) / Float(count) }
        let first = HostTensor(distances, shape: [count, 1, 1])
        let second = HostTensor(Array(repeating: Float(0), count: count), shape: [count, 1, 1])
        var statistics = DeltaStatistics(chunks: ChunkSet(0))
        try statistics.add(anchors: first, positives: second, ids: ids(count))
        let values = distances.map { Double($0) }
        let mean = values.reduce(0, +) / Double(count)
        let variance = values.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
        #expect(error(statistics.perChunk[0].mean, mean) < 1e-14)
        #expect(error(statistics.perChunk[0].standardDeviation, variance.squareRoot()) < 1e-9)
        #expect(statistics.perChunk[0].masses(edges: [0, 999, 1100, 2000]) == [0, Double(count), 0])
        #expect(statistics.orderings.isEmpty)
    }

    @Test func takesDistancesOfEverySize() throws {
        let sizes: [Float] = [0, .leastNonzeroMagnitude, 1e-30, 1, 1e30, .greatestFiniteMagnitude]
        let first = HostTensor(sizes, shape: [sizes.count, 1, 1])
        let second = HostTensor(sizes.map { -$0 }, shape: [sizes.count, 1, 1])
        var statistics = DeltaStatistics(chunks: ChunkSet(0))
        try statistics.add(anchors: first, positives: second, ids: ids(sizes.count))
        let distribution = statistics.perChunk[0]
        #expect(distribution.minimum == 0 && distribution.zeroCount == 1)
        #expect(distribution.maximum == 2 * Double(Float.greatestFiniteMagnitude))
        for (rank, size) in sizes.enumerated() {
            let quantile = distribution.quantile(Double(rank + 1) / Double(sizes.count))
            #expect(error(quantile, 2 * Double(size)) <= StreamingDistribution.quantileError)
        }
    }

    @Test func namesTheSampleThatIsNotFinite() throws {
        for bad in [Float.nan, .infinity, -.infinity] {
            var values = positives.floats
            values[30 * 20 + 2 * 5 + 4] = bad
            var statistics = DeltaStatistics(chunks: ChunkSet(all: 4))
            let failure = #expect(throws: Failure.self) {
                try statistics.add(
                    anchors: anchors, positives: HostTensor(values, shape: positives.shape), ids: ids(37, from: 100))
            }
            #expect(failure?.kind == .data)
            #expect(failure?.what.contains("sample 130 ") == true && failure?.what.contains("chunk 2") == true)
        }
    }

    @Test func refusesTensorsThatDoNotFit() throws {
        func kind(_ a: HostTensor, _ b: HostTensor, _ ids: HostTensor, _ chunks: ChunkSet) -> Failure.Kind? {
            var statistics = DeltaStatistics(chunks: chunks)
            do {
                try statistics.add(anchors: a, positives: b, ids: ids)
                return nil
            } catch {
                return (error as? Failure)?.kind
            }
        }
        let all = ChunkSet(all: 4)
        #expect(kind(anchors, positives, ids(37), all) == nil)
        #expect(kind(anchors, positives.rows(0..<36), ids(37), all) == .data)
        #expect(kind(anchors, positives, ids(36), all) == .data)
        #expect(kind(anchors.reshaped([37, 20]), positives.reshaped([37, 20]), ids(37), all) == .data)
        #expect(kind(ids(37), ids(37), ids(37), all) == .data)
        #expect(kind(anchors, positives, ids(37), ChunkSet(all: 5)) == .usage)
        #expect(kind(anchors.rows(0..<0), positives.rows(0..<0), ids(0), all) == nil)
    }

    @Test func emptyStreamsHaveNoMean() {
        let statistics = DeltaStatistics(chunks: ChunkSet(all: 2))
        #expect(statistics.count == 0 && statistics.perChunk[0].quantile(0.5).isNaN)
        #expect(statistics.perChunk[0].standardDeviation.isNaN)
        #expect(statistics.orderings[0].below.interval() == 0...1)
    }
}
