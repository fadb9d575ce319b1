import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

extension ComputeTests {
    struct PrecisionTests {
        /// Who asks for bf16 gets it or hears why not; who leaves the choice gets it where it is fast.
        @Test func choices() throws {
            let backend = try PrimitiveBackend()
            #expect(backend.bf16 == .emulated)
            let expected: [(BF16Support, auto: Precision)] = [(.native, .bf16), (.emulated, .f32), (.missing, .f32)]
            for (support, auto) in expected {
                backend.bf16 = support
                #expect(try PrecisionChoice.auto.precision(on: backend) == auto)
                #expect(try PrecisionChoice.f32.precision(on: backend) == .f32)
                if support == .missing {
                    #expect { try PrecisionChoice.bf16.precision(on: backend) } throws: { error in
                        (error as? Failure)?.kind == .usage && "\(error)".contains("computes no bf16")
                    }
                } else {
                    #expect(try PrecisionChoice.bf16.precision(on: backend) == .bf16)
                }
            }
        }

        /// A BF16 tensor is read as F32, and a gradient of the other type takes on that of its input.
        @Test(arguments: testedBackends) func typesMeet(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let x = backend.converted(backend.tensor(Formula.centred("x", [2, 16, 4, 4])), to: .bf16)
            #expect(x.type == .bf16 && backend.converted(x, to: .bf16) === x)
            #expect(try backend.read(x).type == .f32)
            let wide = backend.tensor(Formula.centred("g", [2, 16, 4, 4])), narrow = backend.converted(wide, to: .bf16)
            #expect(try backend.read(backend.add(x, wide)).floats == backend.read(backend.add(x, narrow)).floats)
            let window = Window(size: 1)
            let gradients = try [wide, narrow].map {
                try backend.read(
                    backend.convolutionWeightGradient($0, input: x, weightShape: [16, 16, 1, 1], window: window)
                ).floats
            }
            #expect(gradients[0] == gradients[1])
        }

        /// A frozen weight used in bf16 keeps its own values.
        @Test(arguments: testedBackends) func frozenWeightsStay(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let host = Formula.centred("w", [16, 16, 3, 3]), weight = backend.tensor(host)
            backend.freeze(weight)
            let x = backend.tensor(Formula.centred("x", [1, 16, 6, 6])), window = Window(size: 3, padding: 1)
            _ = backend.convolution(backend.converted(x, to: .bf16), weight: weight, window: window)
            #expect(try backend.read(weight).floats == host.floats)
            _ = backend.convolution(x, weight: weight, window: window)
            #expect(try backend.read(weight).floats == host.floats)
        }
    }
}
