import HLCompute
import HLFormats
import HLNet
import HLTensor

/// Trains a discriminator in one pass over real and generated images, half of each in every step, and measures it on
/// images that it has not been trained on.
package final class DiscriminatorTrainer {
    package struct Settings: Sendable, Equatable {
        /// Images of each kind per step, of all ranks together.
        package var batch = 64
        package var steps = 1024
        package var rate: Float = 1e-3
        package var width = 16
        package var seed: UInt64 = 0
        /// Of activations.
        package var precision = Precision.f32
        /// Processes that train together, each on its share of every step's images.
        package var ranks = 1

        package init() {}

        package var json: JSONValue {
            var object: JSONObject = [
                "batch": .integer(Int64(batch)), "steps": .integer(Int64(steps)), "learning_rate": .float(rate),
                "width": .integer(Int64(width)), "seed": .seed(seed),
            ]
            if precision != .f32 { object["precision"] = .string(precision.rawValue) }
            if ranks > 1 { object["ranks"] = .integer(Int64(ranks)) }
            return .object(object)
        }
    }

    package let settings: Settings
    package let model: Discriminator
    package private(set) var step = 0
    private let backend: any Backend
    /// The processes that train with this one; nil where it is alone.
    private let ranks: (any Ranks)?
    private let optimiser: Adam
    private let schedule: Schedule

    /// - Parameter ranks: the processes that train with this one, as many as the settings have; nil where it is alone.
    /// - Throws: `Failure(.data)` for images of a side that no discriminator is made for.
    package init(
        _ settings: Settings, side: Int, ranks: (any Ranks)? = nil, on backend: any Backend
    ) throws {
        precondition(settings.ranks == ranks?.count ?? 1)
        guard Discriminator.sides.contains(side) else {
            throw Failure(
                .data, "the images have \(side) pixels a side",
                "give images of \(Discriminator.sides.lowerBound) to \(Discriminator.sides.upperBound)")
        }
        self.settings = settings
        self.backend = backend
        self.ranks = ranks
        model = Discriminator(backend, side: side, width: settings.width)
        model.initialise(seed: settings.seed, on: backend)
        optimiser = Adam(backend, model.parameters)
        schedule = Schedule(base: settings.rate, steps: settings.steps)
    }

    /// The learning rate of the last step.
    package var rate: Float { schedule.rate(step - 1) }

    /// One step.
    /// - Parameters: images U8 or F32 [N, 3, H, W], this rank's share of the step's.
    /// - Returns: the mean cross-entropy, of all ranks, where it is wanted.
    /// - Throws: `Failure(.data)` when the loss that was read is not a number.
    package func train(real: Tensor, generated: Tensor, wantsLoss: Bool) throws -> Double? {
        let images = backend.concatenate([
            try Discriminator.prepared(real, side: model.side, on: backend),
            try Discriminator.prepared(generated, side: model.side, on: backend),
        ])
        let labels = [Int32](repeating: 1, count: real.shape[0]) + [Int32](repeating: 0, count: generated.shape[0])
        let tape = Tape(backend)
        let pass = Pass(tape, training: true, precision: settings.precision, ranks: ranks)
        let sums = ranks.map { GradientSums($0, of: model.parameters.map(\.parameter), on: tape) }
        let losses = CrossEntropyLoss.apply(model(Variable(images), pass), labels: labels, pass)
        tape.run()
        sums?.finish()
        optimiser.step(rate: schedule.rate(step))
        step += 1
        guard wantsLoss else { return nil }
        let values = try backend.read(losses).floats
        let own = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        let loss = ranks?.communicator.means([own])[0] ?? own
        guard loss.isFinite else {
            throw Failure(.data, "the loss of step \(step) is not a number", "lower the learning rate")
        }
        return loss
    }

    /// The scores of images.
    package func scores(of images: Tensor) throws -> [Float] {
        try model.scores(of: images, on: backend).floats
    }

    /// Network and optimiser, to go on from.
    package func state() throws -> NamedTensors {
        var tensors = NamedTensors(try model.state(on: backend).map { ($0.name, $0.tensor) })
        for (name, tensor) in try optimiser.state(on: backend) { tensors["optimiser.\(name)"] = tensor }
        return tensors
    }

    /// Goes on from a saved state, after `step` steps.
    /// - Throws: `Failure(.data)` where a tensor is missing or has another shape.
    package func restore(_ tensors: NamedTensors, step: Int) throws {
        try model.load(on: backend) { tensors[$0] }
        try optimiser.load(on: backend, step: step) { tensors["optimiser.\($0)"] }
        self.step = step
    }

    /// The finished discriminator's file.
    package func file(_ measured: DiscriminatorCheckpoint.Measured, history: [HistoryEntry]) throws -> TensorFile {
        DiscriminatorCheckpoint.file(
            model, try model.state(on: backend), measured, training: settings.json, history: history)
    }
}
