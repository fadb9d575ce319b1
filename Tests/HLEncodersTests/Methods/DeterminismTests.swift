import HLCompute
import HLEncoders
import HLNet
import HLTensor
import TestSupport
import Testing

extension EncodersTests {
    /// The same run twice gives the same bits.
    struct DeterminismTests {
        /// Three steps from scratch; the whole state and the losses.
        static func run(_ choice: TestedBackend) throws -> [[UInt32]] {
            let backend = try choice.make(threads: 2)
            let method = SimSiam(backend, backbone: ResNet(backend, .resnet18), dimension: 128)
            method.initialise(seed: 7, on: backend)
            let optimiser = SGD(backend, method.parameters, momentum: 0.9, decay: 1e-4)
            var losses: [Float] = []
            for step in 0..<3 {
                let pass = Pass(Tape(backend), training: true, groups: 2)
                let images = backend.tensor(Formula.images("determinism.\(step)", "scene.\(step)", 8, 32))
                losses += try backend.read(method.loss(Variable(images), pass).rows).floats
                pass.tape.run()
                optimiser.step(rate: 0.1)
            }
            let state = try method.state(on: backend).filter { $0.tensor.type == .f32 }.map(\.tensor.floats)
            return (state + [losses]).map { $0.map(\.bitPattern) }
        }

        @Test(arguments: testedBackends)
        func twoRuns(_ choice: TestedBackend) throws {
            let first = try Self.run(choice), second = try Self.run(choice)
            #expect(first == second)
            #expect(first.joined().allSatisfy { Float(bitPattern: $0).isFinite })
        }
    }
}
