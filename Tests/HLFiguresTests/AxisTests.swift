import HLFigures
import Testing

struct AxisTests {
    @Test(
        arguments: [
            (0...10, 5, [0, 2, 4, 6, 8, 10]), (0...1, 4, [0, 0.5, 1]), (-0.3...0.35, 6, [-0.2, 0, 0.2]),
            (3.1...3.9, 10, [3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7, 3.8, 3.9]),
        ] as [(ClosedRange<Double>, Int, [Double])])
    func roundNumbers(range: ClosedRange<Double>, count: Int, expected: [Double]) {
        let ticks = Axis(range).ticks(about: count)
        #expect(ticks.count == expected.count && zip(ticks, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(ticks)")
    }

    @Test(
        arguments: [
            (1...1000, 12, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]), (1...1000, 8, [1, 3, 10, 30, 100, 300, 1000]),
            (1...1000, 4, [1, 10, 100, 1000]), (0.02...0.6, 5, [0.02, 0.05, 0.1, 0.2, 0.5]),
        ] as [(ClosedRange<Double>, Int, [Double])])
    func roundRatios(range: ClosedRange<Double>, count: Int, expected: [Double]) {
        let ticks = Axis(range, isLogarithmic: true).ticks(about: count)
        #expect(
            ticks.count == expected.count && zip(ticks, expected).allSatisfy { abs($0 / $1 - 1) < 1e-12 }, "\(ticks)")
    }

    @Test(arguments: [false, true]) func thereAndBack(isLogarithmic: Bool) {
        let axis = Axis(0.5...200, isLogarithmic: isLogarithmic)
        #expect(axis.position(of: 0.5) == 0 && axis.position(of: 200) == 1)
        for value in [0.5, 0.7, 10, 199] { #expect(abs(axis.value(at: axis.position(of: value)) / value - 1) < 1e-12) }
        #expect(abs(axis.position(of: 10) - (isLogarithmic ? 0.5 : 9.5 / 199.5)) < 1e-12)
        let edges = axis.edges(count: 7)
        #expect(
            edges.count == 8 && abs(edges[7] / 200 - 1) < 1e-12 && zip(edges, edges.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test(
        arguments: [
            (0, "0"), (0.05, "0.05"), (20, "20"), (3e-7, "3e-7"), (500_000, "500000"), (2e6, "2e6"), (-0.1, "-0.1"),
            (0.002, "0.002"),
        ] as [(Double, String)])
    func texts(value: Double, text: String) { #expect(Axis.text(value) == text) }
}
