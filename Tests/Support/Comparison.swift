import HLCompute
import HLTensor
import Testing

/// How far results may be from the reference, relative to its greatest magnitude.
package struct Tolerance {
    package let values: Double
    package let gradients: Double

    package init(values: Double, gradients: Double) {
        self.values = values
        self.gradients = gradients
    }

    /// Winograd's algorithm rounds more coarsely than a plain sum.
    package static func of(_ backend: TestedBackend) -> Tolerance {
        backend == .plain ? Tolerance(values: 2e-6, gradients: 5e-6) : Tolerance(values: 1e-4, gradients: 1e-4)
    }
}

/// Greatest difference over the greatest magnitude of `expected`; infinite where a value is not finite.
package func deviation(_ actual: [Float], _ expected: [Float]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    var difference = 0.0, scale = 1e-30
    for (a, b) in zip(actual, expected) {
        guard a.isFinite, b.isFinite else { return .infinity }
        difference = max(difference, abs(Double(a) - Double(b)))
        scale = max(scale, abs(Double(b)))
    }
    return difference / scale
}

package func expectClose(
    _ actual: HostTensor, _ expected: HostTensor, _ tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(actual.shape == expected.shape, "\(what)", sourceLocation: sourceLocation)
    let difference = deviation(actual.floats, expected.floats)
    #expect(difference <= tolerance, "\(what)", sourceLocation: sourceLocation)
}

/// Compares a tensor with a stored summary as the fixtures' README says.
package func expectSummary(
    _ tensor: HostTensor, _ expected: [Float], _ tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let actual = Formula.summary(tensor), norm = Double(expected[0])
    for (index, (a, b)) in zip(actual, expected).enumerated() {
        let scale = index == 1 ? norm * Double(tensor.elementCount).squareRoot() : norm
        let difference = abs(a - Double(b)) / scale
        #expect(difference <= tolerance, "\(what), entry \(index)", sourceLocation: sourceLocation)
    }
}
