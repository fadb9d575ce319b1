import HLNet
import Testing

struct LBFGSTests {
    /// Rosenbrock's valley, whose minimum is 0 at (1, 1).
    private func rosenbrock(_ x: [Double], _ gradient: inout [Double]) -> Double {
        let a = 1 - x[0], b = x[1] - x[0] * x[0]
        gradient[0] = -2 * a - 400 * x[0] * b
        gradient[1] = 200 * b
        return a * a + 100 * b * b
    }

    @Test func findsTheEndOfAValley() throws {
        let outcome = try LBFGS(tolerance: 1e-8, iterationLimit: 200).minimise(from: [-1.2, 1], rosenbrock)
        #expect(outcome.end == .converged && outcome.gradientNorm <= 1e-8)
        #expect(abs(outcome.point[0] - 1) < 1e-7 && abs(outcome.point[1] - 1) < 1e-7)
        #expect(outcome.evaluations < 80)
    }

    /// Σ cᵢ (xᵢ − i)² / 2 with curvatures from 1e-4 to 1e4.
    private let curvatures = (0..<40).map { Double(10) * Double($0 + 1) * ($0 % 2 == 0 ? 1e-5 : 25) }

    private func bowl(_ x: [Double], _ gradient: inout [Double]) -> Double {
        var value = 0.0
        for (index, curvature) in curvatures.enumerated() {
            gradient[index] = curvature * (x[index] - Double(index))
            value += gradient[index] * (x[index] - Double(index)) / 2
        }
        return value
    }

    @Test func knowingTheCurvatureSparesSteps() throws {
        let solver = LBFGS(tolerance: 1e-9, iterationLimit: 10_000), start = [Double](repeating: 0, count: 40)
        let plain = try solver.minimise(from: start, bowl)
        let informed = try solver.minimise(from: start, curvature: curvatures, bowl)
        #expect(informed.end == .converged)
        #expect(informed.iterations <= 2 && plain.iterations > 10)
        for (index, value) in informed.point.enumerated() { #expect(abs(value - Double(index)) < 1e-4) }
    }

    @Test func theLimitIsKeptAndTheLowestPointReturned() throws {
        let outcome = try LBFGS(tolerance: 1e-12, iterationLimit: 3).minimise(from: [-1.2, 1], rosenbrock)
        var gradient = [0.0, 0.0]
        #expect(outcome.end == .limit && outcome.iterations == 3)
        #expect(outcome.value == rosenbrock(outcome.point, &gradient) && outcome.value < 24.2)
    }

    /// In float32 a function is flat before its gradient is 0.
    @Test func roundingEndsIt() throws {
        let outcome = try LBFGS(tolerance: 0, iterationLimit: 10_000).minimise(from: [-1.2, 1]) { x, gradient in
            let value = rosenbrock(x, &gradient)
            gradient = gradient.map { Double(Float($0 + 1e-4)) }
            return Double(Float(value + 1))
        }
        #expect(outcome.end != .converged && outcome.value < 1 + 1e-4)
    }

    @Test func startsAtAMinimum() throws {
        let outcome = try LBFGS().minimise(from: [1, 1], rosenbrock)
        #expect(outcome.end == .converged && outcome.iterations == 0 && outcome.evaluations == 1)
    }

    /// Of a function that is flat everywhere a small gradient says nothing: a step must also have led nowhere.
    @Test func goesOnWhereStepsStillHelp() throws {
        func flat(_ x: [Double], _ gradient: inout [Double]) -> Double {
            let value = rosenbrock(x, &gradient)
            gradient = gradient.map { $0 * 1e-6 }
            return value * 1e-6
        }
        let byGradient = try LBFGS(tolerance: 1e-3).minimise(from: [-1.2, 1], flat)
        #expect(byGradient.end == .converged && byGradient.iterations == 0)
        let byBoth = try LBFGS(tolerance: 1e-3, improvement: 1e-4).minimise(from: [-1.2, 1], flat)
        #expect(byBoth.end == .converged && byBoth.value < 1e-8 * byGradient.value)
    }

    /// A gradient that is no number is no minimum.
    @Test(arguments: [Double.nan, .infinity]) func whatIsNoNumberHasNotConverged(value: Double) throws {
        let outcome = try LBFGS(tolerance: 1e-6, iterationLimit: 10).minimise(from: [1, 2]) { point, gradient in
            gradient = [value, 1]
            return point[0]
        }
        #expect(outcome.end == .stalled && outcome.iterations == 0)
    }

    @Test func sumsAreRight() throws {
        let a = (0..<19).map(Double.init), b = (0..<19).map { Double($0 % 3) }
        #expect(Vectors.dot(a, b) == zip(a, b).reduce(0) { $0 + $1.0 * $1.1 })
        #expect(Vectors.largest([1, -3, 2]) == 3 && Vectors.length([3, 4]) == 5 && Vectors.largest([]) == 0)
        #expect(Vectors.largest([1, .nan]).isNaN && Vectors.largest([.nan, 1]).isNaN)
        #expect(Vectors.sum([1, 2], 2, [3, 4]) == [7, 10] && Vectors.difference([1, 2], [3, 5]) == [-2, -3])
    }
}
