import CKernels
import HLTensor

extension CPUBackend {
    package func crossEntropy(
        _ logits: Tensor, targets: [Int32], excluded: [Int32]?, scale: Float, weight: Float
    ) -> (losses: Tensor, gradient: Tensor) {
        precondition(targets.count == logits.shape[0] && targets.allSatisfy { $0 < logits.shape[1] })
        let losses = allocate([logits.shape[0]]), gradient = like(logits)
        forEachRow(logits) {
            hl_cross_entropy_rows(
                logits.floats, targets, excluded, scale, weight, losses.floats, gradient.floats, $0, $1,
                logits.shape[1])
        }
        return (losses, gradient)
    }

    package func negativeCosine(_ p: Tensor, _ z: Tensor, weight: Float) -> (losses: Tensor, gradient: Tensor) {
        precondition(p.shape == z.shape)
        let losses = allocate([p.shape[0]]), gradient = like(p)
        forEachRow(p) {
            hl_negative_cosine_rows(p.floats, z.floats, weight, losses.floats, gradient.floats, $0, $1, p.shape[1])
        }
        return (losses, gradient)
    }
}
