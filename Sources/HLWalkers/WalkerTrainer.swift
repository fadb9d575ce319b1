import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLNet
import HLTensor

/// Trains one walker T against its estimator, step by step, on anchors that somebody else brings (section 3.2 of the
/// paper; COP-Gen's `train_navigator`).
///
/// In each step the estimator, a ResNet with the head of SimCLR without batch norm, descends InfoNCE on the images of the
/// anchors and of z + T(z); then the same images pass through the updated estimator, and T ascends the loss through the
/// generator, which is frozen. No pixel augmentation: the centre 7/8 of the images, normalised.
///
/// The whole state can be saved and loaded between any two steps; a run that was stopped and resumed ends with the same
/// bits as one that was not, on the same machine with the same threads.
package final class WalkerTrainer {
    package let settings: WalkerSettings
    package let target: WalkerTarget
    private let generator: any DifferentiableGenerator
    private let backend: any Backend
    /// The processes that train with this one; nil where it is alone.
    private let ranks: (any Ranks)?
    package let walker: WalkerNetwork
    package let estimator: SimCLR
    private let walkerOptimiser: Adam
    private let estimatorOptimiser: Adam
    private let crop: EstimatorCrop
    /// Steps done.
    package private(set) var step = 0

    /// - Parameters:
    ///   - ranks: the processes that train with this one, as many as the settings have; nil where it is alone.
    ///   - epsilon: Adam's ε. At PyTorch's 1e-8 the first steps take a gradient's sign, be it rounding; at a larger one two
    ///     trainings can be compared.
    /// - Throws: `Failure(.usage)` if the generator lacks one of the chunks.
    package init(
        _ settings: WalkerSettings, generator: any DifferentiableGenerator, ranks: (any Ranks)? = nil,
        epsilon: Float = 1e-8
    ) throws {
        precondition(settings.ranks == ranks?.count ?? 1)
        let backend = generator.backend
        self.ranks = ranks
        self.settings = settings
        self.generator = generator
        self.backend = backend
        target = try WalkerTarget(settings.chunks, of: generator.specification)
        crop = EstimatorCrop(side: generator.specification.resolution)
        walker = WalkerNetwork(backend, dimension: target.dimension)
        estimator = SimCLR(
            backend,
            backbone: ResNet(backend, settings.architecture, width: settings.width, zeroInitResidual: false),
            objective: InfoNCELoss(temperature: settings.temperature))
        walker.initialise(seed: settings.seed, on: backend)
        estimator.initialise(seed: settings.seed, on: backend)
        func adam(_ parameters: [(name: String, parameter: Parameter)]) -> Adam {
            Adam(
                backend, parameters, beta1: WalkerSettings.betas.0, beta2: WalkerSettings.betas.1, epsilon: epsilon)
        }
        walkerOptimiser = adam(walker.parameters)
        estimatorOptimiser = adam(estimator.parameters)
    }

    /// What a step left behind.
    package struct Report: Sendable {
        /// InfoNCE before the estimator's update, without SupCon's factor τ/0.07: what the stop is decided by.
        package let loss: Double
        /// InfoNCE of the same images after it, which the walker ascends.
        package let walkerLoss: Double
        /// δ of each anchor, ‖T(z)‖ per chosen chunk, [B, chunks]; of mapped latents over all of z, [B, 1]. Those of all ranks
        /// one below the other.
        package let deltas: HostTensor
        /// Root mean square of what T changes in a pixel value, 0…1.
        package let imageChange: Double
    }

    /// One step on B anchors, this rank's share of the step's. Images stay where the generator makes them: what is read back are two losses and δ.
    /// - Parameters:
    ///   - z: anchors, F32 [B, n, m].
    ///   - ids: I64 [B]; only random noise images depend on them.
    /// - Throws: `Failure(.data)` when a loss, or how far T moves, is not a number.
    package func train(on z: HostTensor, ids: HostTensor) throws -> Report {
        let pass = Pass(Tape(backend), training: true, ranks: ranks)
        let sums = ranks.map { GradientSums($0, of: walker.parameters.map(\.parameter), on: pass.tape) }
        let steps = walker(Variable(backend.tensor(target.gather(from: z))), pass)
        let (images, change) = try pairs(of: z, ids: ids, steps, pass)

        let loss = updateEstimator(images.value)
        let walkerLoss = ascend(images, pass)
        sums?.finish()
        walkerOptimiser.step(rate: settings.walkerRate)
        step += 1
        let values = (try loss.value(on: backend, over: ranks), try walkerLoss.value(on: backend, over: ranks))
        guard values.0.isFinite, values.1.isFinite else {
            throw Failure(.data, "the loss of step \(step) is not a number", "lower the learning rates")
        }
        func ofAll(_ rows: Tensor) -> Tensor { ranks?.gatherRows(rows) ?? rows }
        let deltas = target.lengths(of: try backend.read(ofAll(steps.value))), imageChange = try rootMean(ofAll(change))
        guard imageChange.isFinite, deltas.firstNonFinite == nil else {
            throw Failure(
                .data, "what the walker moves in step \(step) is not a number: its training has diverged",
                "lower the learning rates")
        }
        return Report(loss: values.0, walkerLoss: values.1, deltas: deltas, imageChange: imageChange)
    }

    /// What the estimator sees of anchors and of z + T(z), F32 [2B, 3, C, C], anchors first, with a way back to the
    /// steps; and the squared distance of each pair of whole images, [B]. The whole images end here: a step's memory peaks
    /// later, in the estimator.
    private func pairs(
        of z: HostTensor, ids: HostTensor, _ steps: Variable, _ pass: Pass
    ) throws -> (images: Variable, change: Tensor) {
        let anchors = try generator.render([Latents(z, ids: ids)], pixels: .f32)
        // The walker ascends what the estimator descends.
        let positives = try positives(
            of: z, ids: ids, moved: target.adding(pass.reversingGradient(steps), to: z, pass), pass)
        let change = backend.squaredDistances(anchors, positives.value)
        return (pass.concatenate([crop(Variable(anchors), pass), crop(positives, pass)]), change)
    }

    /// Root mean square of what changed in a pixel value, from squared distances [B].
    private func rootMean(_ change: Tensor) throws -> Double {
        let side = generator.specification.resolution
        let squares = try backend.read(change).floats.reduce(0) { $0 + Double($1) }
        return (squares / Double(max(1, change.elementCount * 3 * side * side))).squareRoot()
    }

    /// Images of anchors and of what the walker makes of them, F32 [B, 3, S, S] each, for people to look at.
    package func views(of z: HostTensor, ids: HostTensor) throws -> (anchors: HostTensor, positives: HostTensor) {
        let pass = Pass(Tape(backend, recording: false), training: false)
        let steps = walker(Variable(backend.tensor(target.gather(from: z))), pass)
        let positives = try positives(of: z, ids: ids, moved: target.adding(steps, to: z, pass), pass)
        let anchors = try generator.render([Latents(z, ids: ids)], pixels: .f32)
        return (try backend.read(anchors), try backend.read(positives.value))
    }

    private func positives(of z: HostTensor, ids: HostTensor, moved: Variable, _ pass: Pass) throws -> Variable {
        try generator.images(moved, ids: ids.integers, view: 1, substituting: substitution(z), pass)
    }

    /// The anchors' w for the layers that do not move; nil where there are none or no mapped latents.
    private func substitution(_ z: HostTensor) -> LayerSubstitution? {
        guard target.space == .w, !target.isWhole, let mapper = generator as? any LatentMapper else { return nil }
        return LayerSubstitution(
            layers: target.chunks.indices, anchors: mapper.mapped(backend.tensor(z.reshaped([z.rowCount, z.rowSize]))))
    }

    // MARK: The two passes of the estimator

    /// The estimator descends InfoNCE on images [2B, 3, C, C], anchors first.
    /// - Returns: the loss before.
    private func updateEstimator(_ images: Tensor) -> EncoderLoss {
        let tape = Tape(backend)
        let pass = Pass(tape, training: true, precision: settings.precision, ranks: ranks)
        let sums = ranks.map { GradientSums($0, of: estimator.parameters.map(\.parameter), on: tape) }
        let loss = estimator.loss(Variable(images), labels: [], pass)
        tape.run()
        sums?.finish()
        estimatorOptimiser.step(rate: settings.estimatorRate)
        return loss
    }

    /// The loss of the updated estimator, whose gradient goes back through images and generator to the walker. The
    /// published codes take the gradients of the estimator's weights too and throw them away; here they are not computed.
    private func ascend(_ images: Variable, _ pass: Pass) -> EncoderLoss {
        let parameters = estimator.parameters.map(\.parameter)
        for parameter in parameters { parameter.requiresGradient = false }
        defer { for parameter in parameters { parameter.requiresGradient = true } }
        let loss = estimator.loss(
            images, labels: [], Pass(pass.tape, training: true, precision: settings.precision, ranks: ranks))
        pass.tape.run()
        return loss
    }

    // MARK: State

    /// T's weights by name, as a finished walker's file has them.
    package func weights() throws -> NamedTensors {
        NamedTensors(try walker.state(on: backend).map { ($0.name, $0.tensor) })
    }

    private var parts: [(name: String, module: any Module, optimiser: Adam)] {
        [("", walker, walkerOptimiser), ("estimator.", estimator, estimatorOptimiser)]
    }

    /// Both networks and optimisers, to go on from.
    package func state() throws -> NamedTensors {
        var tensors = NamedTensors()
        for part in parts {
            for (name, tensor) in try part.module.state(on: backend) { tensors[part.name + name] = tensor }
            for (name, tensor) in try part.optimiser.state(on: backend) {
                tensors["optimiser.\(part.name)\(name)"] = tensor
            }
        }
        return tensors
    }

    /// Goes on from a saved state, after `step` steps.
    /// - Throws: `Failure(.data)` where a tensor is missing or has another shape.
    package func restore(_ tensors: NamedTensors, step: Int) throws {
        for part in parts {
            try part.module.load(on: backend) { tensors[part.name + $0] }
            try part.optimiser.load(on: backend, step: step) { tensors["optimiser.\(part.name)\($0)"] }
        }
        self.step = step
    }
}
