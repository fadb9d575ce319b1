import HLCompute
import HLTensor

extension GeneratorTrainer {
    /// What a step left behind, over the images of all ranks.
    package struct Losses: Sendable {
        /// Hinge loss of the last step of the discriminator, without the content's part: 2 where it knows nothing, 0
        /// where it has won.
        package let discriminator: Double
        /// −mean score of generated images, without the content's part.
        package let generator: Double
        /// InfoNCE of the generator's step, without its weight; nil without such a head.
        package let content: Double?
        /// Mean scores of the discriminator's last step.
        package let real: Double
        package let generated: Double
        /// Shares of real images above 0 and of generated ones below.
        package let realAccuracy: Double
        package let generatedAccuracy: Double
    }

    /// Reads what this rank has of a step, and takes the means of all ranks, which all ask for them.
    /// - Parameters:
    ///   - scores: of the discriminator's last step, [2B, 1], real ones first.
    ///   - hinges: its losses, [2B, 1].
    ///   - generatorScores: of the generator's step, [B, 1].
    ///   - contents: losses of its head, [B], where there is one.
    ///   - batch: B.
    /// - Throws: `Failure(.data)` where a loss is not a number.
    func losses(
        _ scores: Tensor, _ hinges: Tensor, _ generatorScores: Tensor, _ contents: Tensor?, batch: Int
    ) throws -> Losses {
        func mean(_ values: some Collection<Float>) -> Double {
            values.reduce(0) { $0 + Double($1) } / Double(values.count)
        }
        let scores = try backend.read(scores).floats, hinges = try backend.read(hinges).floats
        let (real, generated) = (scores[..<batch], scores[batch...])
        let own = [
            mean(hinges[..<batch]) + mean(hinges[batch...]), -mean(try backend.read(generatorScores).floats),
            try contents.map { mean(try backend.read($0).floats) } ?? 0, mean(real), mean(generated),
            Double(real.count { $0 > 0 }) / Double(batch), Double(generated.count { $0 < 0 }) / Double(batch),
        ]
        let means = ranks?.communicator.means(own) ?? own
        let result = Losses(
            discriminator: means[0], generator: means[1], content: contents == nil ? nil : means[2], real: means[3],
            generated: means[4], realAccuracy: means[5], generatedAccuracy: means[6])
        guard (result.discriminator + result.generator + (result.content ?? 0)).isFinite else {
            throw Failure(.data, "the loss of step \(step) is not a number", "lower the learning rates")
        }
        return result
    }
}
