import HLCompute
import HLFormats
import HLNet
import HLTensor

/// Trains one encoder, step by step, on batches of views that somebody else brings.
///
/// Its whole state can be saved and loaded between any two steps; a run that was stopped and resumed ends with the same
/// bits as one that was not, on the same machine with the same threads.
package final class EncoderTrainer {
    package let settings: TrainingSettings
    package let model: any EncoderMethod
    /// What it computes on, and what images have to be on.
    package let backend: any Backend
    /// The processes that train with this one.
    private let ranks: (any Ranks)?
    private let parameters: [Parameter]
    private let optimiser: any Optimiser
    private let schedule: Schedule
    private var augmentation: Augmentation
    /// Steps done.
    package private(set) var step = 0

    /// - Parameters:
    ///   - cropsArePrepared: whether images come cropped and flipped, so that what is left of T_x is done to them.
    ///   - ranks: the processes that train with this one, as many as the settings have; nil where it is alone.
    package init(
        _ settings: TrainingSettings, cropsArePrepared: Bool = false, ranks: (any Ranks)? = nil, on backend: any Backend
    ) {
        precondition(settings.ranks == ranks?.count ?? 1)
        self.settings = settings
        self.backend = backend
        self.ranks = ranks
        let backbone = ResNet(
            backend, settings.architecture, width: settings.width, stem: settings.stem,
            zeroInitResidual: settings.method.zeroInitResidual)
        model = settings.method.make(
            MethodIngredients(
                backend: backend, backbone: backbone, values: settings.values, views: settings.viewsPerSample,
                batch: settings.batch, ranks: settings.ranks, batchNorm: settings.batchNorm, steps: settings.steps,
                seed: settings.seed))
        model.initialise(seed: settings.seed, on: backend)
        model.begin()
        let parameters = model.parameters.filter(\.parameter.requiresGradient)
        self.parameters = parameters.map(\.parameter)
        optimiser = settings.method.optimiser.make(backend, parameters, settings.momentum, settings.decay)
        schedule = settings.schedule
        augmentation = Augmentation(settings.augmentation)
        augmentation.isCropPrepared = cropsArePrepared
    }

    /// Begins at the backbone of an encoder's file (`Encoder.load`) instead of at weights that are drawn; heads stay as they
    /// are drawn.
    /// - Returns: the labels that the encoder has been trained on, in words; nil where none are known of.
    /// - Throws: `Failure`: as `Encoder.load`; incompatible for another network than that of the settings.
    package func initialise(from path: String) throws -> String? {
        precondition(step == 0)
        let encoder = try Encoder.load(path: path, backend: backend)
        let wanted = try ResNetArchitecture(settings.architecture, width: settings.width, stem: settings.stem)
        let (found, own) = (encoder.description.architecture.identity, wanted.identity)
        guard JSONValue.object(found) == .object(own) else {
            throw Failure(
                .incompatible,
                "\(path) holds another network (\(JSONValue.object(found).text)) than is trained "
                    + "(\(JSONValue.object(own).text))", "give --arch, --width and --stem as it has them")
        }
        let tensors = NamedTensors(try encoder.backbone.state(on: backend).map { ($0.name, $0.tensor) })
        try model.backbone.load(on: backend) { tensors[$0] }
        model.begin()
        return encoder.description.supervision
    }

    /// What a step left behind.
    package struct Report {
        /// Mean over the samples, with the method's factor.
        package let loss: Double
        /// Spread of the projections: 1 is healthy, 0 collapse.
        package let spread: Double
        package let rate: Float
    }

    /// One step on N samples, this rank's share of the step's.
    /// - Parameters:
    ///   - images: U8 or F32 [N · `settings.viewsPerSample`, 3, S, S], view by view.
    ///   - labels: N classes, where the method needs them.
    ///   - ids: the N samples' positions in their sequence, which decide how they are augmented.
    ///   - epochs: of the N samples: which time it is that they are gone through; nil is the first for all.
    ///   - weights: of the N pairs, from 0; each counts by its own over their mean (GenView++). nil counts all alike.
    ///   - wantsReport: whether loss and spread are read back.
    /// - Throws: `Failure(.data)` when a loss that was read is not a number, for a label out of range, or for weights of
    ///   which none is above 0.
    package func train(
        on images: Tensor, labels: [Int64] = [], ids: [Int64], epochs: [Int]? = nil, weights: [Float]? = nil,
        wantsReport: Bool
    ) throws -> Report? {
        let views = settings.viewsPerSample
        precondition(images.shape[0] == ids.count * views)
        try model.check(labels: labels)
        precondition(weights == nil || settings.method.weighsPairs && weights?.count == ids.count)
        let shares = try weights.map { backend.tensor(HostTensor(try overTheirMean($0), shape: [$0.count])) }
        try Augmentation.check(images.type, images.shape)
        let side = images.shape[2]
        let size = augmentation.isCropPrepared ? side : Augmentation.cropSize(renderSide: side)
        let parameters = (0..<views).flatMap { view in
            ids.indices.map {
                augmentation.parameters(
                    id: ids[$0], view: view, epoch: epochs?[$0] ?? 0, seed: settings.seed, imageHeight: side,
                    imageWidth: images.shape[3], size: size)
            }
        }
        let inputs = try Augmentation.apply(images, parameters, size: size, on: backend)
        let tape = Tape(backend)
        let pass = Pass(
            tape, training: true, groups: model.passesPerStep, precision: settings.precision, ranks: ranks,
            batchNorm: settings.batchNorm, weights: shares)
        let sums = ranks.map { GradientSums($0, of: self.parameters, on: tape) }
        let loss = model.loss(Variable(inputs), labels: labels.map { Int32($0) }, pass)
        tape.run()
        sums?.finish()
        let rate = schedule.rate(step)
        optimiser.step(rate: rate)
        model.stepDone()
        step += 1
        guard wantsReport else { return nil }
        let value = try loss.value(on: backend, over: ranks)
        guard value.isFinite else {
            throw Failure(.data, "the loss of step \(step) is not a number", "lower the learning rate")
        }
        let spread = try loss.spread(on: backend, over: ranks)
        guard spread.isFinite else {
            throw Failure(
                .data, "the projections of step \(step) are not numbers: the training has diverged",
                "lower the learning rate")
        }
        return Report(loss: value, spread: spread, rate: rate)
    }

    /// Weights over their mean, that of all ranks, so that a batch of good pairs counts no more than one of poor ones.
    private func overTheirMean(_ weights: [Float]) throws -> [Float] {
        let own = weights.reduce(0.0) { $0 + Double($1) } / Double(weights.count)
        let mean = ranks?.communicator.means([own])[0] ?? own
        guard mean > 0, mean.isFinite else {
            throw Failure(
                .data, "no pair of a step has a weight above 0", "leave out --pair-weights, or weigh the pairs anew")
        }
        return weights.map { Float(Double($0) / mean) }
    }

    // MARK: State

    /// Weights by name, as a finished encoder's file has them.
    package func weights() throws -> NamedTensors {
        NamedTensors(try model.state(on: backend).map { ($0.name, $0.tensor) })
    }

    /// Weights, what the method carries beside them, and the optimiser, to go on from.
    package func state() throws -> NamedTensors {
        var tensors = try weights()
        for (name, tensor) in try model.trainingState?.state(on: backend) ?? [] { tensors[name] = tensor }
        for (name, tensor) in try optimiser.state(on: backend) { tensors["optimiser.\(name)"] = tensor }
        return tensors
    }

    /// Goes on from a saved state, after `step` steps.
    package func restore(_ tensors: NamedTensors, step: Int) throws {
        try model.load(on: backend) { tensors[$0] }
        try model.trainingState?.load(on: backend) { tensors[$0] }
        try optimiser.load(on: backend, step: step) { tensors["optimiser.\($0)"] }
        self.step = step
    }
}
