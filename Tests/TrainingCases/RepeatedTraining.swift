import HLCompute
import HLEncoders
import HLNet
import HLTensor
import OperationCases

/// A short training that is to give the same bits whenever it is done.
package struct RepeatedTraining: Sendable {
    package var architecture = ResNet.Architecture.resnet18
    package var pairs = 4
    /// Of the images.
    package var side = 32
    package var steps = 3
    package var precision = Precision.f32

    /// SimSiam on squares under noise.
    package init() {}

    /// The steps from scratch; the whole state and the losses.
    package func run(on backend: any Backend) throws -> [[UInt32]] {
        let method = SimSiam(backend, backbone: ResNet(backend, architecture), dimension: 128)
        method.initialise(seed: 7, on: backend)
        let optimiser = SGD(backend, method.parameters, momentum: 0.9, decay: 1e-4)
        var losses: [Float] = []
        for step in 0..<steps {
            let pass = Pass(Tape(backend), training: true, groups: 2, precision: precision)
            let images = backend.tensor(Formula.images("determinism.\(step)", "scene.\(step)", 2 * pairs, side))
            losses += try backend.read(method.loss(Variable(images), pass).rows).floats
            pass.tape.run()
            optimiser.step(rate: 0.1)
        }
        let state = try method.state(on: backend).filter { $0.tensor.type == .f32 }.map(\.tensor.floats)
        return (state + [losses]).map { $0.map(\.bitPattern) }
    }
}
