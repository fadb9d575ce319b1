import HLCompute
import HLFormats
import HLNet
import HLTensor
import OperationCases
import Testing

extension Tolerance {
    /// Of convolutions, and of what is made of them.
    package static func of(_ backend: TestedBackend) -> Tolerance { backend == .plain ? .plain : .library }
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

/// One issue for every fault among findings, of which there must be some.
package func expectNoFault(_ findings: [Finding], sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(!findings.isEmpty, "nothing was compared", sourceLocation: sourceLocation)
    for finding in findings where finding.isFault {
        Issue.record("\(finding.description)", sourceLocation: sourceLocation)
    }
}

/// Compares a tensor with a stored summary as the fixtures' README says.
package func expectSummary(
    _ tensor: HostTensor, _ expected: [Float], _ tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    expectNoFault(Finding.summary(tensor, expected, tolerance, what), sourceLocation: sourceLocation)
}

/// Compares every batch norm's running statistics with the summaries stored under `name`.
package func expectRunningStatistics(
    _ module: some Module, _ name: String, _ fixture: TensorFile, _ tolerance: Double, on backend: any Backend,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    expectNoFault(
        try module.runningStatistics(name, fixture, tolerance, on: backend), sourceLocation: sourceLocation)
}
