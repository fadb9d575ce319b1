import HLCompute
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

/// What a tape tells of variables on its way back.
struct TapeTests {
    /// A layer that is used twice is complete behind its first use, which comes last; one that is frozen never is.
    @Test func completeOnceAllUsesArePassed() throws {
        let backend = try BackendChoice.plain.make(threads: 1)
        let twice = Linear(backend, 3, 3), once = Linear(backend, 3, 3), frozen = Linear(backend, 3, 3)
        for layer in [twice, once, frozen] {
            backend.assign(Formula.centred("tape", [3, 3]), to: layer.weight.value)
        }
        frozen.weight.requiresGradient = false
        let pass = Pass(Tape(backend), training: true)
        var told: [ObjectIdentifier] = [], gradients: [[Float]] = []
        pass.tape.watch([twice.weight, once.weight, frozen.weight]) { variable in
            told.append(ObjectIdentifier(variable))
            gradients.append(variable.gradient.flatMap { try? backend.read($0).floats } ?? [])
        }
        let x = Variable(backend.tensor(Formula.centred("x", [2, 3])))
        let y = frozen(twice(once(twice(x, pass), pass), pass), pass)
        pass.tape.backward(from: y, gradient: backend.constant(1, shape: [2, 3]))
        #expect(told == [ObjectIdentifier(once.weight), ObjectIdentifier(twice.weight)])
        // What was told of is what is there at the end.
        let last = try [once, twice].map { try backend.read(try #require($0.weight.gradient)).floats }
        #expect(gradients == last)
    }
}
