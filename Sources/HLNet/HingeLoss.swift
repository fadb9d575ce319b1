import HLCompute

/// The hinge losses of adversarial training (Lim & Ye 2017; Miyato et al. 2018), of scores [B, 1]: what the discriminator
/// gives to images, above 0 for real ones. Means are over the scores of all ranks.
package enum HingeLoss {
    /// The discriminator's: mean max(0, 1 − s) of the first `realCount` scores plus mean max(0, 1 + s) of the others.
    /// - Returns: every score's loss, [B, 1]; the gradient of the sum of both means is seeded on the scores.
    package static func discriminator(_ scores: Variable, realCount: Int, _ pass: Pass) -> Tensor {
        let backend = pass.backend, generatedCount = scores.shape[0] - realCount
        func parts(_ real: Float, _ generated: Float) -> Tensor {
            backend.concatenate([
                backend.constant(real, shape: [realCount, 1]), backend.constant(generated, shape: [generatedCount, 1]),
            ])
        }
        let margins = backend.add(
            backend.constant(1, shape: scores.shape), backend.multiply(scores.value, parts(-1, 1)))
        let losses = backend.relu(margins)
        let slopes = parts(-1 / Float(pass.overall(realCount)), 1 / Float(pass.overall(generatedCount)))
        pass.tape.seed(scores, gradient: backend.reluBackward(slopes, output: losses))
        return losses
    }

    /// The generator's: −mean s; its gradient is seeded on the scores.
    package static func generator(_ scores: Variable, _ pass: Pass) {
        let slope = -1 / Float(pass.overall(scores.shape[0]))
        pass.tape.seed(scores, gradient: pass.backend.constant(slope, shape: scores.shape))
    }
}
