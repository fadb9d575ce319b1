import HLCompute
import HLFormats
import HLNet
import HLTensor

/// Trains a generator of hierarchical latents against a discriminator, step by step, on real images that somebody else
/// brings.
///
/// BigGAN's family without classes (Brock et al. 2019), in the layout of BigBiGAN's public code: chunk 0 of the latent
/// makes the first 4 × 4 positions, chunk i + 1 enters block i through its conditional batch norms. Spectral norm in both
/// networks, hinge loss, Adam (0, 0.99), rates that fall linearly over the last half, latents from N(0, 1) cut off at ±2.
///
/// The whole state can be saved and loaded between any two steps; a run that was stopped and resumed ends with the same
/// bits as one that was not, on the same machine with the same threads.
package final class GeneratorTrainer {
    package let settings: Settings
    /// Steps of the generator done.
    package private(set) var step = 0
    private let backend: any Backend

    /// - Throws: `Failure(.usage)` for settings that fit no network: a side beyond `Settings.sides`, more classes than a
    ///   chunk has values, an odd or too small batch.
    package init(_ settings: Settings, on backend: any Backend) throws {
        self.settings = settings
        self.backend = backend
    }

    /// What a step left behind.
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

    /// The learning rates of the last step.
    package var rates: (generator: Float, discriminator: Float) { (0, 0) }

    /// Real images that the next step takes: its batch times the steps of the discriminator.
    package var imagesWanted: Int { settings.batch(inStep: step) * settings.discriminatorSteps }

    /// Real images that all steps so far have taken.
    package var imagesSeen: Int { settings.images(inSteps: step) }

    /// One step: those of the discriminator, then one of the generator.
    /// - Parameters:
    ///   - real: `imagesWanted` images, U8 (0…255) or F32 (0…1), [N, 3, side, side].
    ///   - labels: with `.cells`, a class 0 ..< classes of each; else nil.
    ///   - ids: of the samples; flips and augmentations depend on them and on the step.
    ///   - wantsLosses: whether to wait for the step and read what it left behind.
    /// - Throws: `Failure(.data)` for images of another number or shape, labels that are missing or no class, and when a
    ///   loss that was read is not a number.
    package func train(real: Tensor, labels: [Int32]?, ids: [Int64], wantsLosses: Bool) throws -> Losses? {
        preconditionFailure("not there yet")
    }

    // MARK: What it has learnt

    /// Images of the averaged generator, F32 0…1 [B, 3, side, side], by fixed statistics: an image depends on its own
    /// latents alone. The first call after a step settles the statistics, which takes `standingBatches` batches.
    /// - Parameter latents: F32 [B, chunks, m].
    /// - Throws: whatever went wrong on the backend before.
    package func images(latents: HostTensor) throws -> HostTensor { preconditionFailure("not there yet") }

    /// The averaged generator with standing statistics, named as in BigBiGAN's public code: hl-sample reads it. The
    /// metadata say what holds content in chunk 0, and whether it has seen labels.
    /// - Parameter history: of the stream that was trained on, with the training itself last.
    package func file(history: [HistoryEntry]) throws -> TensorFile { preconditionFailure("not there yet") }

    // MARK: State

    /// Begins with the weights of a generator of the same shape, before the first step. The discriminator begins anew.
    /// - Throws: `Failure`: noInput, data, or incompatible where the file holds another network.
    package func initialise(from path: String) throws { preconditionFailure("not there yet") }

    /// Networks, both Adams, the average and the vectors of the spectral norms: all that is needed to go on to the same
    /// bits.
    package func state() throws -> NamedTensors { preconditionFailure("not there yet") }

    /// Goes on from a saved state, after `step` steps.
    /// - Throws: `Failure(.data)` where a tensor is missing or has another shape.
    package func restore(_ tensors: NamedTensors, step: Int) throws { preconditionFailure("not there yet") }
}
