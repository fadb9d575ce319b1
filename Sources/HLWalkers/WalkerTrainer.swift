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
    package let walker: WalkerNetwork
    package let estimator: SimCLR
    private let walkerOptimiser: Adam
    private let estimatorOptimiser: Adam
    private let crop: EstimatorCrop
    private let threads: Int
    /// Steps done.
    package private(set) var step = 0

    /// - Throws: `Failure(.usage)` if the generator lacks one of the chunks.
    package init(
        _ settings: WalkerSettings, generator: any DifferentiableGenerator, on backend: any Backend, threads: Int
    ) throws {
        self.settings = settings
        self.generator = generator
        self.backend = backend
        self.threads = threads
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
            Adam(backend, parameters, beta1: WalkerSettings.betas.0, beta2: WalkerSettings.betas.1)
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
        /// δ of each anchor, ‖T(z)‖ per chosen chunk, [B, chunks]; of mapped latents over all of z, [B, 1].
        package let deltas: HostTensor
        /// Root mean square of what T changes in a pixel value, 0…1.
        package let imageChange: Double
    }

    /// One step.
    /// - Parameters:
    ///   - z: anchors, F32 [B, n, m].
    ///   - ids: I64 [B]; only random noise images depend on them.
    /// - Throws: `Failure(.data)` when a loss is not a number.
    package func train(on z: HostTensor, ids: HostTensor) throws -> Report {
        let tape = Tape(backend)
        let pass = Pass(tape, training: true)
        let moved = walker(Variable(backend.tensor(target.gather(from: z))), pass)
        let steps = try backend.read(moved.value)
        let anchors = try generator.render(Latents(z, ids: ids))
        let positives = try generator.differentiableImages(
            Latents(target.adding(steps, to: z), ids: ids, view: 1), substituting: try substitution(z))
        let images = backend.tensor(try crop.prepared(HostTensor.concatenate([anchors, positives.images]), threads: threads))

        let loss = try updateEstimator(images)
        let (walkerLoss, imageGradient) = try ascent(images)
        let latentGradient = try positives.latentGradient(
            crop.gradient(imageGradient.rows(z.rowCount..<2 * z.rowCount)))
        // The walker ascends.
        let upward = backend.scale(backend.tensor(target.gather(from: latentGradient.reshaped(z.shape))), by: -1)
        tape.backward(from: moved, gradient: upward)
        walkerOptimiser.step(rate: settings.walkerRate)
        step += 1
        guard loss.isFinite, walkerLoss.isFinite else {
            throw Failure(.data, "the loss of step \(step) is not a number", "lower the learning rates")
        }
        return Report(loss: loss, walkerLoss: walkerLoss, deltas: target.lengths(of: steps),
            imageChange: Self.rootMeanSquare(anchors, positives.images))
    }

    private static func rootMeanSquare(_ a: HostTensor, _ b: HostTensor) -> Double {
        let sum = a.withUnsafeElements(as: Float.self) { a in
            b.withUnsafeElements(as: Float.self) { b in
                // Sums of a row of pixels in Float keep the loop vectorised.
                stride(from: 0, to: a.count, by: 1024).reduce(0.0) { total, start in
                    var part: Float = 0
                    for i in start..<min(start + 1024, a.count) { part += (a[i] - b[i]) * (a[i] - b[i]) }
                    return total + Double(part)
                }
            }
        }
        return (sum / Double(max(1, a.elementCount))).squareRoot()
    }

    /// Images of anchors and of what the walker makes of them, F32 [B, 3, S, S] each, for people to look at.
    package func views(of z: HostTensor, ids: HostTensor) throws -> (anchors: HostTensor, positives: HostTensor) {
        let pass = Pass(Tape(backend, recording: false), training: false)
        let steps = try backend.read(walker(Variable(backend.tensor(target.gather(from: z))), pass).value)
        let positives = try generator.differentiableImages(
            Latents(target.adding(steps, to: z), ids: ids, view: 1), substituting: try substitution(z))
        return (try generator.render(Latents(z, ids: ids)), positives.images)
    }

    /// The anchors' w for the layers that do not move; nil where there are none or no mapped latents.
    private func substitution(_ z: HostTensor) throws -> LayerSubstitution? {
        guard target.space == .w, !target.isWhole, let mapper = generator as? any LatentMapper else { return nil }
        return LayerSubstitution(layers: target.chunks.indices, anchors: try mapper.mapInBlocks(z))
    }

    // MARK: The two passes of the estimator

    /// The estimator descends InfoNCE on images [2B, 3, C, C], anchors first.
    /// - Returns: the loss before.
    private func updateEstimator(_ images: Tensor) throws -> Double {
        let tape = Tape(backend)
        let loss = estimator.loss(Variable(images), labels: [], Pass(tape, training: true))
        tape.run()
        estimatorOptimiser.step(rate: settings.estimatorRate)
        return try loss.value(on: backend)
    }

    /// The loss of the updated estimator and its gradient with regard to the images. The published codes take the
    /// gradients of the weights too and throw them away; here they are not computed.
    private func ascent(_ images: Tensor) throws -> (loss: Double, gradient: HostTensor) {
        let parameters = estimator.parameters.map(\.parameter)
        for parameter in parameters { parameter.requiresGradient = false }
        defer { for parameter in parameters { parameter.requiresGradient = true } }
        let tape = Tape(backend)
        let input = Variable(images, requiresGradient: true)
        let loss = estimator.loss(input, labels: [], Pass(tape, training: true))
        tape.run()
        guard let gradient = input.takeGradient() else {
            throw Failure(.software, "no gradient came back to the images", "report this defect")
        }
        return (try loss.value(on: backend), try backend.read(gradient))
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
