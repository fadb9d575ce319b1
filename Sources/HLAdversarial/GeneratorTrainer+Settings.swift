import HLCompute
import HLFormats

extension GeneratorTrainer {
    package typealias Content = GeneratorContent
    package typealias Augmentations = AdversarialAugmentations

    /// Everything that decides the result besides the images. Kept in the checkpoint; a run is resumed only with the
    /// settings it was started with.
    package struct Settings: Sendable, Equatable {
        /// Sides that networks are made for, in pixels.
        package static let sides = [32, 64, 128]
        /// The least batch: batch norm needs two of everything, and pairs two pairs.
        package static let leastBatch = 4

        /// Side of the images.
        package var side = 32
        /// Channels behind the last block of the generator, and behind the first of the discriminator.
        package var width = 32
        /// Values of a chunk of the latent.
        package var chunkDimension = 20
        package var content = Content.none
        /// Images of a step of the generator, and real ones of a step of the discriminator, of all ranks together; even.
        package var batch = 32
        /// Whether it is twice as many in the second half of the steps.
        package var doublesBatch = false
        /// Steps of the generator.
        package var steps = 1024
        package var generatorRate: Float = 3e-4
        package var discriminatorRate: Float = 6e-4
        /// Steps of the discriminator before each of the generator.
        package var discriminatorSteps = 1
        /// Whether real images are mirrored at random.
        package var flips = true
        package var augmentations: Augmentations = []
        /// Decay of the averaged generator, once (1 + step) / (10 + step) has reached it.
        package var averagingDecay: Float = 0.999
        package var seed: UInt64 = 0
        /// Of activations, in both networks.
        package var precision = Precision.f32
        /// Processes that train together, each on its share of every step's images.
        package var ranks = 1

        package init() {}

        /// What a batch is a multiple of that so many ranks share out: every rank has as many images, and with a head both
        /// of one z⁰.
        package static func leastShared(among ranks: Int, hasHead: Bool) -> Int { hasHead ? 2 * ranks : ranks }

        /// Images of the generator's step `step`, counted from 0.
        package func batch(inStep step: Int) -> Int { doublesBatch && step >= steps / 2 ? 2 * batch : batch }

        /// Real images that `steps` steps take.
        package func images(inSteps steps: Int) -> Int {
            let later = doublesBatch ? max(0, steps - self.steps / 2) : 0
            return (steps + later) * batch * discriminatorSteps
        }

        /// Chunks of the latent: one for the first positions, one a block.
        package var chunks: Int { side.trailingZeroBitCount - 1 }

        package var json: JSONValue {
            var object: JSONObject = [
                "side": .integer(Int64(side)), "width": .integer(Int64(width)),
                "chunk_size": .integer(Int64(chunkDimension)), "content": .string(content.name),
                "batch": .integer(Int64(batch)), "double_batch": .bool(doublesBatch),
                "steps": .integer(Int64(steps)), "learning_rate": .float(generatorRate),
                "discriminator_learning_rate": .float(discriminatorRate),
                "discriminator_steps": .integer(Int64(discriminatorSteps)), "flips": .bool(flips),
                "augment": .array(
                    Augmentations.named.filter { augmentations.contains($0.value) }.map { .string($0.name) }),
                "average": .float(averagingDecay), "seed": .seed(seed),
            ]
            if precision != .f32 { object["precision"] = .string(precision.rawValue) }
            if ranks > 1 { object["ranks"] = .integer(Int64(ranks)) }
            switch content {
            case .none: break
            case .infoNCE(let weight, let temperature):
                object["content_weight"] = .float(weight)
                object["temperature"] = .float(temperature)
            case .cells(let classes): object["classes"] = .integer(Int64(classes))
            }
            return .object(object)
        }
    }
}
