import HLCompute
import HLStatistics
import HLTensor
import OperationCases
import TestSupport
import Testing

/// Counts of neighbours are those of exact distances, wherever single precision has nothing to say.
struct NeighbourTests {
    /// All distances in double precision, all pairs.
    private struct Naive {
        let counts: [Int]

        init(_ reference: HostTensor, _ samples: HostTensor, _ precision: Int, _ density: Int) {
            func distances(_ a: HostTensor, _ b: HostTensor) -> [[Double]] {
                let (x, y, d) = (a.floats, b.floats, a.rowSize)
                return (0..<a.rowCount).map { i in
                    (0..<b.rowCount).map { j in
                        (0..<d).reduce(0.0) { sum, c in
                            let difference = Double(x[i * d + c]) - Double(y[j * d + c])
                            return sum + difference * difference
                        }.squareRoot()
                    }
                }
            }
            func radii(_ a: HostTensor, _ k: Int) -> [Double] { distances(a, a).map { $0.sorted()[k] } }
            let between = distances(reference, samples)
            let (own, wide, others) = (
                radii(reference, precision), radii(reference, density), radii(samples, precision)
            )
            let rows = 0..<reference.rowCount, columns = 0..<samples.rowCount
            counts = [
                columns.count { j in rows.contains { between[$0][j] <= own[$0] } },
                rows.count { i in columns.contains { between[i][$0] <= others[$0] } },
                rows.reduce(0) { sum, i in sum + columns.count { between[i][$0] < wide[i] } },
                rows.count { i in columns.contains { between[i][$0] < wide[i] } },
            ]
        }
    }

    private func check(
        _ reference: HostTensor, _ samples: HostTensor, _ precision: Int = 3, _ density: Int = 5,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = Naive(reference, samples, precision, density).counts
        for threads in [1, 3] {
            let found = try NeighbourCounts(
                reference: reference, samples: samples, radii: (precision, density),
                on: try CPUBackend.plain(threads: threads))
            #expect(
                [found.precise, found.recalled, found.inside, found.covered] == expected, sourceLocation: sourceLocation
            )
        }
    }

    private func points(_ name: String, _ count: Int, _ dimension: Int, _ value: (Int, Float) -> Float) -> HostTensor {
        let values = Formula.uniform(name, count * dimension).enumerated().map { value($0 / dimension, $1 - 0.5) }
        return HostTensor(values, shape: [count, dimension])
    }

    @Test func severalTiles() throws {
        try check(points("n.r", 700, 5) { $1 }, points("n.s", 600, 5) { $1 * 1.2 })
        try check(points("n.r", 600, 5) { $1 }, points("n.s", 520, 5) { $1 * 1.2 }, 1, 40)
    }

    /// A thousand times their spread from 0: the squares' digits are all of the offset.
    @Test func farFromZero() throws {
        try check(points("n.r", 300, 6) { 4096 + $1 }, points("n.s", 280, 6) { 4096 + 1.1 * $1 })
    }

    /// Groups so close that products of single precision cannot tell their members apart.
    @Test func tightGroups() throws {
        try check(
            points("n.r", 300, 4) { Float($0 % 7) * 100 + $1 * 1e-2 },
            points("n.s", 280, 4) { Float($0 % 7) * 100 + $1 * 1e-2 })
    }

    /// Every point several times: distances of 0, and ties everywhere.
    @Test func copies() throws {
        try check(points("n.r", 300, 3) { ($1 * 4).rounded() }, points("n.s", 280, 3) { ($1 * 4).rounded() })
        let same = points("n.r", 100, 3) { $1 }
        try check(same, same, 1, 1)
        let one = HostTensor([Float](repeating: 2.5, count: 60), shape: [20, 3])
        try check(one, one)
    }

    /// One outlier, beside which all others shrink to nothing in single precision; numbers whose squares overflow or vanish.
    @Test func scales() throws {
        try check(points("n.r", 60, 3) { $0 == 7 ? 1e20 : $1 }, points("n.s", 50, 3) { $1 })
        try check(points("n.r", 60, 3) { $1 * 1e30 }, points("n.s", 50, 3) { $1 * 1e30 })
        try check(points("n.r", 60, 3) { $1 * 1e-30 }, points("n.s", 50, 3) { $1 * 1e-30 })
    }

    /// Samples that spread far beyond the reference have balls that hold all of it, and the other way round.
    @Test func unequalSpreads() throws {
        let (small, large) = (points("n.r", 300, 3) { $1 * 0.01 }, points("n.s", 280, 3) { $1 * 10 })
        try check(small, large)
        try check(large, small)
    }

    @Test func fewest() throws {
        try check(points("n.r", 2, 3) { $1 }, points("n.s", 2, 3) { $1 }, 1, 1)
    }
}
