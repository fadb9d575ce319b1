import HLFormats
import HLNet
import HLTensor

/// The ways to train an encoder.
public enum MethodName: String, Sendable, CaseIterable {
    case simsiam
    case simclr
    case byol
    case moco
    case supervised

    /// Learning rate per 256 samples of a step. SimSiam's, BYOL's and MoCo's are their authors'; the others are set for
    /// runs of minutes, where COP-Gen's 0.03 for SimCLR, meant for a hundred epochs, learns next to nothing.
    public var defaultRate: Float {
        switch self {
        case .simsiam: 0.05
        case .byol: 0.2
        case .moco: 0.03
        case .simclr, .supervised: 0.8
        }
    }
    /// Decay of the weights, by their authors.
    public var defaultDecay: Float { self == .byol ? 1.5e-6 : 1e-4 }
    /// τ of InfoNCE.
    public var defaultTemperature: Float { self == .moco ? 0.2 : 0.1 }
    /// Momentum of the momentum encoder, by their authors; BYOL's is that of the first step.
    public var defaultTargetMomentum: Float { self == .byol ? 0.996 : 0.999 }
    /// Steps of warm-up in a run of `steps`: BYOL has 10 epochs of 1000.
    public func defaultWarmup(steps: Int) -> Int { self == .byol ? steps / 100 : 0 }
    /// Fraction of the base rate that the cosine ends at: 0, or COP-Gen's 0.1³.
    public var defaultFloor: Float { self == .simclr ? 0.001 : 0 }
}

/// Everything that decides the result of an encoder's training besides the stream. Kept in the checkpoint; a run is
/// resumed only with the settings it was started with.
public struct TrainingSettings: Sendable, Equatable {
    public var method: MethodName
    public var architecture: ResNet.Architecture
    public var width: Int
    public var stem: ResNet.Stem
    public var augmentation: AugmentationSet
    /// Pairs per step.
    public var batch: Int
    public var steps: Int
    /// Peak learning rate of a step.
    public var rate: Float
    public var warmupSteps: Int
    public var momentum: Float
    public var decay: Float
    /// Batch norm in SimCLR's head.
    public var headNorm: Bool
    /// Classes of a supervised training.
    public var classes: Int
    /// τ of InfoNCE; SimCLR and MoCo only.
    public var temperature: Float
    /// Momentum of the momentum encoder; BYOL and MoCo only.
    public var targetMomentum: Float
    /// Keys in the queue; MoCo only.
    public var queue: Int
    public var seed: UInt64

    public init(
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

    public var schedule: Schedule {
        Schedule(base: rate, steps: steps, warmupSteps: warmupSteps, floor: method.defaultFloor)
    }

    /// With what only some methods have last, and only for these.
    public var json: JSONValue {
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
