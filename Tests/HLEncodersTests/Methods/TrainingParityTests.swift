import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing
import TrainingCases

extension EncodersTests {
    /// Five optimiser steps beside PyTorch's (`training.safetensors`).
    struct TrainingParityTests {
        @Test(arguments: TrainingParity.allCases, testedBackends)
        func steps(_ training: TrainingParity, _ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let run = try training.run(beside: EncodersTests.fixture("training"), on: backend)
            expectNoFault(run.findings)
            #expect(run.losses.count == 5)
            guard training == .simSiam else { return }
            // Frozen, and without a gradient not decayed either.
            let frozen = try #require(run.method.parameters.first { $0.name == "projector.6.bias" })
            let formula = Formula.state("projector.6.bias", [2048], ofNorm: false)
            #expect(try backend.read(frozen.parameter.value).floats == formula.floats)
        }
    }
}
