import HLFormats
import HLNet
import HLTensor

/// The ways to train an encoder.
package enum MethodName: String, Sendable, CaseIterable {
    case simsiam
    case simclr
    case byol
    case moco
    case supervised

    /// Learning rate per 256 samples of a step. SimSiam's, BYOL's and MoCo's are their authors'; the others are set for
    /// runs of minutes, where COP-Gen's 0.03 for SimCLR, meant for a hundred epochs, learns next to nothing.
    package var defaultRate: Float {
        switch self {
        case .simsiam: 0.05
        case .byol: 0.2
        case .moco: 0.03
        case .simclr, .supervised: 0.8
        }
    }
    /// Decay of the weights, by their authors.
    package var defaultDecay: Float { self == .byol ? 1.5e-6 : 1e-4 }
    /// τ of InfoNCE.
    package var defaultTemperature: Float { self == .moco ? 0.2 : 0.1 }
    /// Momentum of the momentum encoder, by their authors; BYOL's is that of the first step.
    package var defaultTargetMomentum: Float { self == .byol ? 0.996 : 0.999 }
    /// Steps of warm-up in a run of `steps`: BYOL has 10 epochs of 1000.
    package func defaultWarmup(steps: Int) -> Int { self == .byol ? steps / 100 : 0 }
    /// Fraction of the base rate that the cosine ends at: 0, or COP-Gen's 0.1³.
    package var defaultFloor: Float { self == .simclr ? 0.001 : 0 }
}

/// Everything that decides the result of an encoder's training besides the stream. Kept in the checkpoint; a run is
/// resumed only with the settings it was started with.
package struct TrainingSettings: Sendable, Equatable {
    package var method: MethodName
    package var architecture: ResNet.Architecture
    package var width: Int
    package var stem: ResNet.Stem
    package var augmentation: AugmentationSet
    /// Pairs per step.
    package var batch: Int
    package var steps: Int
    /// Peak learning rate of a step.
    package var rate: Float
    package var warmupSteps: Int
    package var momentum: Float
    package var decay: Float
    /// Batch norm in SimCLR's head.
    package var headNorm: Bool
    /// Classes of a supervised training.
    package var classes: Int
    /// τ of InfoNCE; SimCLR and MoCo only.
    package var temperature: Float
    /// Momentum of the momentum encoder; BYOL and MoCo only.
    package var targetMomentum: Float
    /// Keys in the queue; MoCo only.
    package var queue: Int
    package var seed: UInt64

    package init(
        method: MethodName, architecture: ResNet.Architecture, width: Int, stem: ResNet.Stem,
        augmentation: AugmentationSet, batch: Int, steps: Int, rate: Float, warmupSteps: Int, momentum: Float,
        decay: Float, headNorm: Bool, classes: Int, temperature: Float, targetMomentum: Float, queue: Int,
        seed: UInt64
    ) {
        self.method = method
        self.architecture = architecture
        self.width = width
        self.stem = stem
        self.augmentation = augmentation
        self.batch = batch
        self.steps = steps
        self.rate = rate
        self.warmupSteps = warmupSteps
        self.momentum = momentum
        self.decay = decay
        self.headNorm = headNorm
        self.classes = classes
        self.temperature = temperature
        self.targetMomentum = targetMomentum
        self.queue = queue
        self.seed = seed
    }

    package var schedule: Schedule {
        Schedule(base: rate, steps: steps, warmupSteps: warmupSteps, floor: method.defaultFloor)
    }

    /// With what only some methods have last, and only for these.
    package var json: JSONValue {
        var object: JSONObject = [
            "method": .string(method.rawValue), "arch": .string(architecture.rawValue),
            "width": .integer(Int64(width)), "stem": .string(stem.rawValue),
            "augment": .string(augmentation.rawValue), "batch": .integer(Int64(batch)),
            "steps": .integer(Int64(steps)), "learning_rate": .number(Double(rate)),
            "warmup_steps": .integer(Int64(warmupSteps)), "momentum": .number(Double(momentum)),
            "weight_decay": .number(Double(decay)), "temperature": .number(Double(temperature)),
            "head_norm": .bool(headNorm),
            "classes": .integer(Int64(classes)), "seed": .string(String(seed)),
        ]
        if method == .byol || method == .moco { object["target_momentum"] = .number(Double(targetMomentum)) }
        if method == .moco { object["queue"] = .integer(Int64(queue)) }
        return .object(object)
    }
}
