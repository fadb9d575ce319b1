import TestSupport
import Testing
import TrainingCases

extension EncodersTests {
    /// The same run twice gives the same bits.
    struct DeterminismTests {
        @Test(arguments: testedBackends)
        func twoRuns(_ choice: TestedBackend) throws {
            let training = RepeatedTraining()
            let first = try training.run(on: choice.make(threads: 2))
            let second = try training.run(on: choice.make(threads: 2))
            #expect(first == second)
            #expect(first.joined().allSatisfy { Float(bitPattern: $0).isFinite })
        }
    }
}
