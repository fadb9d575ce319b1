import HLStatistics
import HLTensor
import HLViews
import Testing

struct StreamingDistributionTests {
    private func distribution(_ values: [Double]) -> StreamingDistribution {
        var result = StreamingDistribution()
        result.add(values, count: values.count, stride: 1)
        return result
    }

    /// Terms that a plain sum of doubles loses: 1e15 and 1 by turns, in any order.
    @Test func sumsLoseNothing() {
        let values = (0..<20_000).map { $0 % 2 == 0 ? 1e15 : 1 }
        let exact = (1e15 + 1) / 2
        let whole = distribution(values)
        let sorted = distribution(values.sorted())
        #expect(whole.mean == exact && sorted.mean == exact)
        var plain = 0.0
        for value in values.sorted().reversed() { plain += value }
        #expect(plain / 20_000 != exact, "the numbers are too easy")
        let deviation = (1e15 - 1) / 2 * (20_000.0 / 19_999).squareRoot()
        #expect(abs(whole.standardDeviation / deviation - 1) < 1e-15)
        #expect(sorted.standardDeviation == whole.standardDeviation)
    }

    @Test func doubleDoubleKeepsProducts() {
        let third = 1.0 / 3
        var square = DoubleDouble()
        square.addSquare(of: third)
        // (1/3)² rounded, and what the rounding lost, which a fused multiply-add tells.
        #expect(square.high == third * third)
        let rest = square - DoubleDouble(third * third)
        #expect(rest.high == (-(third * third)).addingProduct(third, third))
        let product = DoubleDouble(1e16, 1) * DoubleDouble(3)
        #expect((product - DoubleDouble(3e16)).high == 3)
    }

    /// Every value is somewhere: masses add up to the count, and edges that fall on bins count exactly.
    @Test func masses() {
        let values: [Double] = [0, 0, 0.25, 0.5, 0.5, 1, 1.5, 2, 3.9]
        let d = distribution(values)
        #expect(d.masses(edges: [0, 0.25, 0.5, 1, 2, 4]) == [2, 1, 2, 2, 2])
        #expect(d.masses(edges: [0, 8]) == [9])
        #expect(d.masses(edges: [0.5, 1]).reduce(0, +) >= 2)
        #expect(d.masses(edges: []).isEmpty && d.masses(edges: [1]).isEmpty)
        var random = RandomKey(seed: 1, purpose: .shuffle).sequence(id: 0)
        let many = (0..<5000).map { _ in Double(random.uniform()) * 3 }
        let edges = (0...60).map { Double($0) / 20 }
        let found = distribution(many).masses(edges: edges)
        #expect(abs(found.reduce(0, +) - 5000) < 1e-6)
        for (cell, mass) in found.enumerated() {
            let counted = many.count { $0 >= edges[cell] && $0 < edges[cell + 1] }
            // A bin is at most 1/1024 of its values wide: a few values of a cell lie in bins that its edges cut.
            #expect(abs(mass - Double(counted)) < 6, "cell \(cell)")
        }
    }
}
