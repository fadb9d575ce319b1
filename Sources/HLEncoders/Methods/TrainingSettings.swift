import HLCompute
import HLFormats
import HLNet
import HLTensor

/// Everything that decides the result of an encoder's training besides the stream. Kept in the checkpoint; a run is
/// resumed only with the settings it was started with.
package struct TrainingSettings: Sendable {
    package var method: MethodDescription
    /// What the method's own options say.
    package var values: MethodValues
    package var architecture: ResNet.Architecture
    package var width: Int
    package var stem: ResNet.Stem
    package var augmentation: AugmentationSet
    /// Samples per step of all ranks together: pairs, or anchors with their positives.
    package var batch: Int
    package var steps: Int
    /// Peak learning rate of a step.
    package var rate: Float
    package var warmupSteps: Int
    package var momentum: Float
    package var decay: Float
    package var seed: UInt64
    /// Of the backbone's activations.
    package var precision: Precision
    /// Processes that train together, each on its share of every step's samples.
    package var ranks: Int
    /// Whose samples batch norm has statistics of where they are several.
    package var batchNorm: BatchNormScope

    /// - Parameters: nil takes the method's default.
    package init(
        method: MethodDescription, values: MethodValues, architecture: ResNet.Architecture, width: Int,
        stem: ResNet.Stem, augmentation: AugmentationSet, batch: Int, steps: Int, rate: Float? = nil,
        warmupSteps: Int? = nil, momentum: Float? = nil, decay: Float? = nil, seed: UInt64,
        precision: Precision = .f32, ranks: Int = 1, batchNorm: BatchNormScope? = nil
    ) {
        self.method = method
        self.values = values
        self.architecture = architecture
        self.width = width
        self.stem = stem
        self.augmentation = augmentation
        self.batch = batch
        self.steps = steps
        self.rate = rate ?? method.rate(batch: batch)
        self.warmupSteps = warmupSteps ?? method.warmupSteps(of: steps)
        self.momentum = momentum ?? method.momentum
        self.decay = decay ?? method.decay
        self.seed = seed
        self.precision = precision
        self.ranks = ranks
        self.batchNorm = batchNorm ?? method.batchNorm
    }

    /// Views of a sample that a step takes, the anchor counted.
    package var viewsPerSample: Int { method.viewsPerSample(values) }

    package var schedule: Schedule {
        Schedule(base: rate, steps: steps, warmupSteps: warmupSteps, floor: method.floor)
    }

    /// With what the method's own options say last.
    package var json: JSONValue {
        var object: JSONObject = [
            "method": .string(method.name), "arch": .string(architecture.rawValue),
            "width": .integer(Int64(width)), "stem": .string(stem.rawValue),
            "augment": .string(augmentation.rawValue), "batch": .integer(Int64(batch)),
            "steps": .integer(Int64(steps)), "learning_rate": .float(rate),
            "warmup_steps": .integer(Int64(warmupSteps)), "momentum": .float(momentum),
            "weight_decay": .float(decay), "seed": .seed(seed),
        ]
        // Files from before there was a choice are F32 and do not say it.
        if precision != .f32 { object["precision"] = .string(precision.rawValue) }
        if ranks > 1 {
            object["ranks"] = .integer(Int64(ranks))
            object["batch_norm"] = .string(batchNorm.rawValue)
        }
        for (key, value) in values.json { object[key] = value }
        return .object(object)
    }
}
