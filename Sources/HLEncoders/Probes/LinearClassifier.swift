import HLCompute
import HLNet
import HLTensor

/// A linear layer and its optimiser, with a batch norm before it where one is wanted.
package final class LinearClassifier {
    /// What the layer starts from.
    package enum Start: String, Sendable {
        /// Weights from N(0, 0.01), bias 0.
        case normal = "N(0, 0.01), bias 0"
        /// Weights and bias from U(±1/√d), torch.nn.Linear's own.
        case uniform = "U(-1/sqrt(d), 1/sqrt(d))"
    }

    package let layer: Linear
    private let normalisation: BatchNorm?
    private let backend: any Backend
    private let optimiser: SGD

    package var stepsTaken: Int { optimiser.stepsTaken }

    /// - Parameter normalises: puts a batch norm without affine part before the layer.
    package init(
        _ backend: any Backend, inputs: Int, classes: Int, momentum: Float, start: Start = .normal,
        normalises: Bool = false, seed: UInt64
    ) {
        self.backend = backend
        let (weight, bias): (Initialiser?, Initialiser?) =
            switch start {
            case .normal: (.normal(standardDeviation: 0.01), .constant(0))
            case .uniform: (nil, nil)
            }
        layer = Linear(backend, inputs, classes, weightInitialiser: weight, biasInitialiser: bias)
        layer.initialise(seed: seed, on: backend)
        normalisation = normalises ? BatchNorm(backend, inputs, affine: false) : nil
        optimiser = SGD(backend, layer.parameters, momentum: momentum, decay: 0)
    }

    /// One step of SGD on the mean cross-entropy of features F32 [B, d]; with a batch norm B is above 1.
    package func step(_ features: HostTensor, labels: [Int32], rate: Float) {
        let pass = Pass(Tape(backend), training: true)
        let logits = logits(features, pass)
        _ = CrossEntropyLoss.apply(logits, labels: labels, pass)
        pass.tape.run()
        optimiser.step(rate: rate)
    }

    /// Logits F32 [N, classes] of features F32 [N, d]; a batch norm takes the statistics that it has kept.
    package func scores(_ features: HostTensor) throws -> HostTensor {
        let pass = Pass(Tape(backend, recording: false), training: false)
        let blocks = stride(from: 0, to: features.rowCount, by: 4096).map { start in
            logits(features.rows(start..<min(start + 4096, features.rowCount)), pass).value
        }
        return HostTensor.concatenate(try blocks.map { try backend.read($0) })
    }

    /// What it has learnt, of features as it is given them; a batch norm is taken into the layer.
    package func head() throws -> LinearHead {
        let own = LinearHead(
            weight: try backend.read(layer.weight.value),
            bias: try layer.bias.map { try backend.read($0.value) }
                ?? HostTensor([Float](repeating: 0, count: layer.weight.shape[0]), shape: [layer.weight.shape[0]]))
        guard let normalisation else { return own }
        let state = Dictionary(try normalisation.state(on: backend).map { ($0.name, $0.tensor) }) { $1 }
        guard let mean = state["running_mean"], let variance = state["running_var"] else { return own }
        return own.behindBatchNorm(mean: mean.floats, variance: variance.floats)
    }

    private func logits(_ features: HostTensor, _ pass: Pass) -> Variable {
        let input = Variable(backend.tensor(features))
        return layer(normalisation?(input, pass) ?? input, pass)
    }
}
