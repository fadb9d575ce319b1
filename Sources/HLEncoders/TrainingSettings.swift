import HLFormats
import HLNet
import HLTensor

/// The ways to train an encoder.
public enum MethodName: String, Sendable, CaseIterable {
    case simsiam
    case simclr
    case supervised

    /// Learning rate per 256 samples of a step. SimSiam's is its authors'; the others are set for runs of minutes, where
    /// COP-Gen's 0.03 for SimCLR, meant for a hundred epochs, learns next to nothing.
    public var defaultRate: Float { self == .simsiam ? 0.05 : 0.8 }
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
    /// τ of InfoNCE; SimCLR only.
    public var temperature: Float
    public var seed: UInt64

    public init(
        method: MethodName, architecture: ResNet.Architecture, width: Int, stem: ResNet.Stem,
        augmentation: AugmentationSet, batch: Int, steps: Int, rate: Float, warmupSteps: Int, momentum: Float,
        decay: Float, headNorm: Bool, classes: Int, temperature: Float, seed: UInt64
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
        self.seed = seed
    }

    public var schedule: Schedule {
        Schedule(base: rate, steps: steps, warmupSteps: warmupSteps, floor: method.defaultFloor)
    }

    public var json: JSONValue {
        .object([
            "method": .string(method.rawValue), "arch": .string(architecture.rawValue),
            "width": .integer(Int64(width)), "stem": .string(stem.rawValue),
            "augment": .string(augmentation.rawValue), "batch": .integer(Int64(batch)),
            "steps": .integer(Int64(steps)), "learning_rate": .number(Double(rate)),
            "warmup_steps": .integer(Int64(warmupSteps)), "momentum": .number(Double(momentum)),
            "weight_decay": .number(Double(decay)), "temperature": .number(Double(temperature)),
            "head_norm": .bool(headNorm),
            "classes": .integer(Int64(classes)), "seed": .string(String(seed)),
        ])
    }
}
