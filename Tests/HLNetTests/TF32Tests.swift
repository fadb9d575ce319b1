import HLCompute
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

/// TF32, which only cards have, and only convolutions take.
struct TF32Tests {
    private let device = EmulatedDevice()
    private let backend: CUDABackend
    private let layer: HLNet.Convolution

    init() {
        backend = CUDABackend(on: device, threads: 1)
        layer = HLNet.Convolution(backend, 4, 4, Window(size: 3, padding: 1))
        layer.initialise(seed: 1, on: backend)
    }

    private func images() -> Variable {
        Variable(backend.tensor(Formula.centred("tf32", [2, 4, 5, 5])), requiresGradient: true)
    }

    /// Two networks on one tape, each with its own precision there and back, in whatever order they were asked.
    @Test func eachPassHasItsOwn() throws {
        let tape = Tape(backend), x = images()
        let first = Pass(tape, training: true, precision: .tf32), second = Pass(tape, training: true)
        let y = layer(first.activations(x), first)
        let z = layer(second.activations(y), second)
        tape.backward(from: z, gradient: backend.constant(1, shape: z.shape))
        let asked = device.convolutions.map { ($0.pass, $0.tf32) }
        let expected: [(DeviceConvolution.Pass, Bool)] = [
            (.forward, true), (.forward, false), (.weightGradient, false), (.inputGradient, false),
            (.weightGradient, true), (.inputGradient, true),
        ]
        #expect(asked.count == expected.count)
        for (asked, expected) in zip(asked, expected) { #expect(asked == expected) }
    }

    /// Activations of it are F32, and a BF16 pass is none of it.
    @Test func activationsStayF32() throws {
        let x = images()
        for (precision, type) in [(Precision.tf32, ElementType.f32), (.bf16, .bf16)] {
            let pass = Pass(Tape(backend), training: false, precision: precision)
            #expect(layer(pass.activations(x), pass).value.type == type)
        }
        #expect(device.convolutions.map(\.tf32) == [true, false])
    }

    /// Processors refuse it, with words.
    @Test(arguments: [BackendChoice.plain, .automatic]) func processorsHaveNone(_ choice: BackendChoice) throws {
        let backend = try choice.make(threads: 1)
        guard !(backend is CUDABackend) else { return }
        backend.roundsToTF32 = true
        #expect(!backend.hasTF32 && !backend.roundsToTF32)
        #expect(throws: Failure.self) { try PrecisionChoice.tf32.precision(on: backend) }
        #expect(try PrecisionChoice.tf32.precision(on: self.backend) == .tf32)
        #expect(try PrecisionChoice.auto.precision(on: self.backend) == .bf16)
    }
}
