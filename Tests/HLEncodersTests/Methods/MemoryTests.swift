import HLCompute
import HLEncoders
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    struct MemoryTests {
        /// After the first two steps a training run takes nothing more from the system, and keeps nothing.
        @Test(arguments: testedBackends)
        func trainingSettles(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let arena = try #require((backend as? CPUBackend)?.arena ?? (backend as? CUDABackend)?.arena)
            let method = SimCLR(backend, backbone: ResNet(backend, .resnet18, width: 16))
            method.initialise(seed: 1, on: backend)
            let optimiser = SGD(backend, method.parameters, momentum: 0.9, decay: 1e-4)
            var held: [Int] = [], inUse: [Int] = []
            for step in 0..<5 {
                let pass = Pass(Tape(backend), training: true)
                let images = Variable(backend.tensor(Formula.images("arena.\(step)", "scene.0", 8, 64)))
                _ = try method.loss(images, pass).value(on: backend)
                pass.tape.run()
                optimiser.step(rate: 0.01)
                held.append(arena.bytesHeld)
                inUse.append(arena.bytesInUse)
            }
            #expect(Set(held[1...]).count == 1, "\(held)")
            #expect(Set(inUse[1...]).count == 1, "\(inUse)")
        }
    }
}
