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
    let backend: any Backend
    /// The processes that train with this one; nil where it is alone.
    let ranks: (any Ranks)?
    let shape: NetworkShape
    let generator: AdversarialGenerator
    let discriminator: AdversarialDiscriminator
    /// The running average of the generator's weights: what is written in the end.
    let average: AdversarialGenerator
    let generatorOptimiser: Adam
    let discriminatorOptimiser: Adam
    /// The step whose average has its standing statistics.
    var settledStep: Int?

    /// Adam's β₁ and β₂, both networks'.
    package static let betas: (Float, Float) = (0, 0.99)

    /// - Parameters:
    ///   - ranks: the processes that train with this one, as many as the settings have; nil where it is alone.
    ///   - epsilon: Adam's ε. At PyTorch's 1e-8 the first steps take a gradient's sign, be it rounding; at 0.1 two
    ///     trainings can be compared.
    /// - Throws: `Failure(.usage)` for settings that fit no network: a side beyond `Settings.sides`, more classes than a
    ///   chunk has values, an odd or too small batch, or one that the ranks cannot share out.
    package init(
        _ settings: Settings, ranks: (any Ranks)? = nil, on backend: any Backend, epsilon: Float = 1e-8
    ) throws {
        precondition(settings.ranks == ranks?.count ?? 1)
        try settings.check()
        self.settings = settings
        self.ranks = ranks
        self.backend = backend
        shape = NetworkShape(side: settings.side, width: settings.width, chunkDimension: settings.chunkDimension)
        var classes: Int?, hasHead = false
        switch settings.content {
        case .none: break
        case .infoNCE: hasHead = true
        case .cells(let count): classes = count
        }
        generator = AdversarialGenerator(backend, shape)
        average = AdversarialGenerator(backend, shape)
        discriminator = AdversarialDiscriminator(backend, shape, classes: classes, hasHead: hasHead)
        generator.initialise(seed: settings.seed, on: backend)
        average.initialise(seed: settings.seed, on: backend)
        discriminator.initialise(seed: settings.seed, on: backend)
        func adam(_ module: some Module) -> Adam {
            Adam(backend, module.parameters, beta1: Self.betas.0, beta2: Self.betas.1, epsilon: epsilon)
        }
        generatorOptimiser = adam(generator)
        discriminatorOptimiser = adam(discriminator)
    }

    /// The learning rates of the last step.
    package var rates: (generator: Float, discriminator: Float) {
        let factor = decay(step - 1)
        return (settings.generatorRate * factor, settings.discriminatorRate * factor)
    }

    /// 1 in the first half of the steps, then down to 0 in a straight line.
    private func decay(_ step: Int) -> Float {
        let half = settings.steps / 2
        return step < half ? 1 : 1 - Float(step - half) / Float(max(1, settings.steps - half))
    }

    /// Real images that the next step takes, of all ranks together: its batch times the steps of the discriminator.
    package var imagesWanted: Int { settings.batch(inStep: step) * settings.discriminatorSteps }

    /// Those of them that this rank brings.
    package var share: Int { imagesWanted / settings.ranks }

    /// Real images that all steps so far have taken.
    package var imagesSeen: Int { settings.images(inSteps: step) }

    /// One step: those of the discriminator, then one of the generator.
    /// - Parameters:
    ///   - real: `share` images, U8 (0…255) or F32 (0…1), [N, 3, side, side].
    ///   - labels: with `.cells`, a class 0 ..< classes of each; else nil.
    ///   - ids: of the samples; flips and augmentations depend on them and on the step.
    ///   - wantsLosses: whether to wait for the step and read what it left behind.
    /// - Throws: `Failure(.data)` for images of another number or shape, labels that are missing or no class, and when a
    ///   loss that was read is not a number.
    package func train(real: Tensor, labels: [Int32]?, ids: [Int64], wantsLosses: Bool) throws -> Losses? {
        let batch = settings.batch(inStep: step) / settings.ranks
        let labels = try checked(real, labels, ids)
        settledStep = nil
        var outcome: (scores: Tensor, losses: Tensor)?
        for part in 0..<settings.discriminatorSteps {
            let range = part * batch..<(part + 1) * batch
            outcome = updateDiscriminator(
                settings.discriminatorSteps == 1 ? real : backend.rows(real, range),
                labels: labels.isEmpty ? [] : Array(labels[range]), ids: Array(ids[range]), part: part)
        }
        let (scores, contents) = updateGenerator(batch)
        step += 1
        updateAverage()
        guard wantsLosses, let outcome else { return nil }
        return try losses(outcome.scores, outcome.losses, scores, contents, batch: batch)
    }

    // MARK: The two networks' steps

    /// One step of the discriminator, real and generated images in one call.
    private func updateDiscriminator(
        _ real: Tensor, labels: [Int32], ids: [Int64], part: Int
    ) -> (scores: Tensor, losses: Tensor) {
        let batch = real.shape[0], places = places(batch), latents = latents(places, part: part)
        let silent = Pass(Tape(backend, recording: false), training: true, precision: settings.precision, ranks: ranks)
        let fake = backend.augmentDifferentiably(
            generator(chunks(latents), silent).value, augmentations(places, isReal: false, part: part))
        let real = backend.augmentDifferentiably(real, augmentations(ids, isReal: true, part: part))
        let (pass, sums) = recordedPass(training: discriminator)
        let images = Variable(backend.concatenate([real, fake]))
        let (scores, features) = discriminator(images, labels: labels + latents.cells, pass)
        let losses = HingeLoss.discriminator(scores, realCount: batch, pass)
        _ = contentLoss(pass.rows(features, batch..<2 * batch), pass)
        pass.tape.run()
        sums?.finish()
        discriminatorOptimiser.step(rate: settings.discriminatorRate * decay(step))
        return (scores.value, losses)
    }

    /// One step of the generator, through a discriminator whose weights stay.
    /// - Returns: scores, and the losses of the content's head.
    private func updateGenerator(_ batch: Int) -> (scores: Tensor, contents: Tensor?) {
        let part = settings.discriminatorSteps, places = places(batch), latents = latents(places, part: part)
        let parameters = discriminator.parameters.map(\.parameter)
        for parameter in parameters { parameter.requiresGradient = false }
        defer { for parameter in parameters { parameter.requiresGradient = true } }
        let (pass, sums) = recordedPass(training: generator)
        let images = pass.augmentDifferentiably(
            generator(chunks(latents), pass), augmentations(places, isReal: false, part: part))
        let (scores, features) = discriminator(images, labels: latents.cells, pass)
        HingeLoss.generator(scores, pass)
        let contents = contentLoss(features, pass)
        pass.tape.run()
        sums?.finish()
        generatorOptimiser.step(rate: settings.generatorRate * decay(step))
        return (scores.value, contents)
    }

    /// A pass whose way back brings the gradients of a network, added up over the ranks where there are several.
    private func recordedPass(training network: some Module) -> (pass: Pass, sums: GradientSums?) {
        let tape = Tape(backend)
        return (
            Pass(tape, training: true, precision: settings.precision, ranks: ranks),
            ranks.map { GradientSums($0, of: network.parameters.map(\.parameter), on: tape) }
        )
    }

    /// InfoNCE of features [B, C] of generated images, of which rows i and i + B/2 share their z⁰; seeded with its weight.
    /// Those of all ranks are its negatives.
    /// - Returns: the losses, where there is a head.
    private func contentLoss(_ features: Variable, _ pass: Pass) -> Tensor? {
        guard case .infoNCE(let weight, let temperature) = settings.content,
            let contents = discriminator.contents(features, pass)
        else { return nil }
        return InfoNCELoss(temperature: temperature).apply(pass.scalingGradient(contents, by: weight), pass)
    }

    /// The average moves towards the weights, at first quickly: by 9/(10 + step), until that is 1 − decay.
    private func updateAverage() {
        let decay = min(settings.averagingDecay, Float(1 + step) / Float(10 + step))
        for ((_, target), (_, source)) in zip(average.parameters, generator.parameters) {
            backend.average(source.value, into: target.value, decay: decay)
        }
    }

    // MARK: Random numbers

    /// This rank's places in the batch of all ranks, of which each has `count`: those of a shard. With a head row i + B/2 of
    /// the whole is on the rank of row i, since the ranks divide B/2.
    private func places(_ count: Int) -> [Int64] {
        (0..<count).map { Int64((ranks?.rank ?? 0) + $0 * settings.ranks) }
    }

    /// The latents of one of a step's parts: those of the discriminator, then the generator.
    private func latents(_ places: [Int64], part: Int) -> TrainingLatents {
        TrainingLatents(
            places: places, chunks: settings.chunks, dimension: settings.chunkDimension,
            key: RandomKey(seed: settings.seed, purpose: .trainingLatents, view: part, epoch: step),
            content: settings.content)
    }

    /// A tensor [B, m] of each chunk.
    private func chunks(_ latents: TrainingLatents) -> [Tensor] { columns(latents.values) }

    func columns(_ latents: HostTensor) -> [Tensor] {
        let all = backend.tensor(latents), size = settings.chunkDimension
        return (0..<settings.chunks).map { backend.columns(all, $0 * size..<($0 + 1) * size) }
    }

    private func augmentations(_ ids: [Int64], isReal: Bool, part: Int) -> [DifferentiableAugmentation] {
        let key = RandomKey(
            seed: settings.seed, purpose: .adversarialAugmentation, view: part, group: isReal ? 0 : 1, epoch: step)
        return ids.map {
            var random = key.sequence(id: $0)
            return settings.augmentations.draw(side: settings.side, flips: settings.flips && isReal, from: &random)
        }
    }

    // MARK: State

    private var parts: [(name: String, module: any Module, optimiser: Adam)] {
        [("generator.", generator, generatorOptimiser), ("discriminator.", discriminator, discriminatorOptimiser)]
    }

    /// Networks, both Adams, the average and the vectors of the spectral norms: all that is needed to go on to the same
    /// bits.
    package func state() throws -> NamedTensors {
        var tensors = NamedTensors()
        for part in parts {
            for (name, tensor) in try part.module.state(on: backend) { tensors[part.name + name] = tensor }
            for (name, tensor) in try part.optimiser.state(on: backend) {
                tensors["optimiser.\(part.name)\(name)"] = tensor
            }
        }
        for (name, parameter) in average.parameters { tensors["average.\(name)"] = try backend.read(parameter.value) }
        return tensors
    }

    /// Goes on from a saved state, after `step` steps.
    /// - Throws: `Failure(.data)` where a tensor is missing or has another shape.
    package func restore(_ tensors: NamedTensors, step: Int) throws {
        for part in parts {
            try part.module.load(on: backend) { tensors[part.name + $0] }
            try part.optimiser.load(on: backend, step: step) { tensors["optimiser.\(part.name)\($0)"] }
        }
        discriminatorOptimiser.stepsTaken = step * settings.discriminatorSteps
        // What the average has beyond its weights is made anew where it is wanted.
        try average.load(on: backend) { tensors["average.\($0)"] ?? tensors["generator.\($0)"] }
        self.step = step
        settledStep = nil
    }
}
