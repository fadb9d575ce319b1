import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

extension ComputeTests {
    /// Gradients of weights come in layouts that only a library knows; what takes rows of them must ask for row-major order.
    struct LibraryLayoutTests {
        @Test(arguments: testedBackends)
        func rowsOfAWeightsGradient(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2), window = Window(size: 3, padding: 1)
            func gradient() -> Tensor {
                backend.convolutionWeightGradient(
                    backend.tensor(Formula.centred("gradient", [2, 32, 6, 6])),
                    input: backend.tensor(Formula.centred("input", [2, 16, 6, 6])), weightShape: [32, 16, 3, 3],
                    window: window)
            }
            let whole = try backend.read(gradient())
            #expect(try backend.read(backend.rows(gradient(), 3..<7)).floats == whole.rows(3..<7).floats)
            let chosen = backend.rows(gradient(), at: backend.indices([31, 0]))
            #expect(try backend.read(chosen).floats == whole.rows(31..<32).floats + whole.rows(0..<1).floats)
            let joined = backend.concatenate([gradient(), backend.constant(0, shape: [1, 16, 3, 3])])
            #expect(try backend.read(joined).rows(0..<32).floats == whole.floats)
            let target = gradient()
            backend.assignRows(backend.constant(2, shape: [30, 16, 3, 3]), to: target, at: 1)
            let changed = try backend.read(target)
            #expect(changed.rows(0..<1).floats == whole.rows(0..<1).floats)
            #expect(changed.rows(31..<32).floats == whole.rows(31..<32).floats)
            #expect(changed.rows(1..<31).floats.allSatisfy { $0 == 2 })
        }
    }
}
