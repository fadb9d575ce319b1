import HLFormats
import HLTensor

/// How the noise of a group differs from sample to sample: whether it is there at all, and how strong it is.
///
/// The "sometimes" perturbation of the paper's authors' later code moves a group with probability ½ and draws σ uniformly
/// from a range (`SerezD/mi_ml_gen`, MultipleRandomWalker, with μ = 0 and t = 2). It does so once for a batch, and with the
/// same noise vector for all groups; here every sample and group has its own draw, so that a sample's views do not depend
/// on the batch it is in.
package struct NoiseVariation: Sendable, Hashable {
    /// With which the group moves, above 0 up to 1.
    package let probability: Double
    /// What σ is drawn from, uniformly; nil where it is the noise's own in all samples.
    package let deviations: ClosedRange<Double>?

    /// Every sample moves, by noise of one σ.
    package static let none = NoiseVariation()

    private init() {
        probability = 1
        deviations = nil
    }

    /// - Throws: `Failure(.usage)` for a probability out of range, or a σ below 0.
    package init(probability: Double, deviations: ClosedRange<Double>? = nil) throws {
        guard probability > 0, probability <= 1 else {
            throw Failure(
                .usage, "the probability \(probability.plainText) is not above 0 and up to 1",
                "give a probability such as 0.5")
        }
        if let deviations, deviations.lowerBound < 0 {
            throw Failure(
                .usage, "the standard deviation \(deviations.lowerBound.plainText) is not a finite number from 0 up",
                "give standard deviations of 0 or more")
        }
        self.probability = probability
        self.deviations = deviations
    }

    /// Whether a sample moves, and by which σ where that is drawn: the first word of its sequence is the coin, the second σ.
    func draw(_ id: Int64, _ key: RandomKey) -> (moves: Bool, deviation: Float?) {
        var words = key.sequence(id: id)
        let moves = Double(words.uniform()) < probability
        return (moves, deviations.map { words.uniform(Float($0.lowerBound), Float($0.upperBound)) })
    }
}
