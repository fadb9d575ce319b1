import HLCompute
import HLNet

/// A network whose parameters follow those of another, trained one as an exponential moving average (He et al. 2020,
/// Eq. 2): θ ← m θ + (1 − m) θ_online. No gradient reaches it.
///
/// Batch norm runs in training mode on its own batches. Running statistics are its own and are not averaged, as in the
/// published code of both MoCo and BYOL; nothing reads them in training.
package final class MomentumEncoder: Module {
    private let network: EmbeddingNetwork
    private let online: EmbeddingNetwork
    private let backend: any Backend

    /// A follower of `online`, with no state yet.
    package init(of online: EmbeddingNetwork, on backend: any Backend) {
        network = online.sibling(on: backend)
        self.online = online
        self.backend = backend
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try network.forEachState(prefix, body)
    }

    /// Takes over all that the online network holds.
    package func copyOnline() {
        for (own, other) in zip(network.tensors, online.tensors) { backend.average(other, into: own, decay: 0) }
    }

    /// One step of the average.
    /// - Parameter momentum: m, from 0, a copy, to 1, standing still.
    package func follow(momentum: Float) {
        for (own, other) in zip(network.parameters, online.parameters) {
            backend.average(other.parameter.value, into: own.parameter.value, decay: momentum)
        }
    }

    /// Embeddings [B, d] of images [B, 3, H, W], without a way back.
    /// - Parameters:
    ///   - groups: equal parts of the batch with batch-norm statistics of their own.
    ///   - pass: that of the online network, whose precision and ranks are taken.
    package func callAsFunction(_ images: Tensor, groups: Int, like pass: Pass) -> Tensor {
        let own = Pass(
            Tape(backend, recording: false), training: true, groups: groups, precision: pass.precision,
            ranks: pass.ranks, batchNorm: pass.batchNorm)
        return network(Variable(images), own).value
    }
}

extension Module {
    /// Parameters and buffers, in order.
    fileprivate var tensors: [Tensor] {
        var result: [Tensor] = []
        forEachState("") { _, state in
            switch state {
            case .parameter(let parameter): result.append(parameter.value)
            case .buffer(let tensor, _): result.append(tensor)
            case .counter: break
            }
        }
        return result
    }
}
