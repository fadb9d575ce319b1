import HLCompute
import HLNet
import HLTensor

/// Everything that tells one training method from another: one value beside each `EncoderMethod`, listed in `Methods`.
package struct MethodDescription: Sendable {
    /// As `--method` takes it.
    package let name: String
    /// What it does, in one line.
    package let summary: String
    /// Whose method it is and whose defaults these are, for people.
    package let source: String
    /// Its own options; those of other methods are refused.
    package var options: [MethodOption] = []
    /// Peak learning rate per 256 samples of a step.
    package let rate: Float
    package var momentum: Float = 0.9
    package var decay: Float = 1e-4
    package var optimiser = MethodOptimiser.sgd
    /// Steps of warm-up, in hundredths of a run.
    package var warmupPercent = 0
    /// Fraction of the peak rate that the cosine ends at.
    package var floor: Float = 0
    /// Views of a sample that a step takes.
    package var views = MethodViews.pair
    /// Whether samples must have classes.
    package var needsLabels = false
    /// Whether its loss is one of pairs, each of which may have a weight of its own.
    package var weighsPairs = false
    /// Whether the last batch norm of every residual block starts at 0.
    package var zeroInitResidual = true
    /// Whose samples batch norm has statistics of where several processes train, as its authors have it.
    package var batchNorm = BatchNormScope.global
    /// Throws `Failure(.usage)` where the options do not go with a batch of so many samples.
    package var check: @Sendable (_ values: MethodValues, _ batch: Int) throws -> Void = { _, _ in }
    /// Builds the model; its weights are drawn afterwards.
    package let make: @Sendable (MethodIngredients) -> any EncoderMethod

    /// What the options say, with defaults where nothing is given.
    /// - Parameter given: values by option name.
    /// - Throws: `Failure(.usage)` for a value that an option does not take.
    package func values(_ given: [String: MethodOption.Value] = [:]) throws -> MethodValues {
        try MethodValues(options, given: given)
    }

    /// Views of a sample that a step takes, the anchor counted.
    package func viewsPerSample(_ values: MethodValues) -> Int {
        switch views {
        case .anchor: 1
        case .pair: 2
        case .anchorAndPositives: 1 + values.integer("positives")
        }
    }

    /// What its samples are, for people.
    package var unit: String { views == .anchorAndPositives ? "anchors" : "pairs" }

    /// Peak learning rate of a step of so many samples.
    package func rate(batch: Int) -> Float { rate * Float(batch) / 256 }

    /// Steps over which the rate rises from 0.
    package func warmupSteps(of steps: Int) -> Int { steps * warmupPercent / 100 }
}

/// Which views of a sample a method takes.
package enum MethodViews: Sendable {
    /// View 0 alone.
    case anchor
    /// Views 0 and 1.
    case pair
    /// View 0 and as many positives as the method's option `positives` says.
    case anchorAndPositives
}

/// What a method's model is made of.
package struct MethodIngredients {
    package let backend: any Backend
    package let backbone: ResNet
    package let values: MethodValues
    /// Views of a sample.
    package let views: Int
    /// Samples of a step, of all ranks together.
    package let batch: Int
    /// Processes that train together.
    package let ranks: Int
    package let batchNorm: BatchNormScope
    /// Steps of the whole run.
    package let steps: Int
    package let seed: UInt64
}

/// What a method's parameters are updated by.
package struct MethodOptimiser: Sendable {
    package let name: String
    /// Which parameters the decay is on, for people.
    package let decayed: String
    package let make:
        @Sendable (
            _ backend: any Backend, _ parameters: [(name: String, parameter: Parameter)], _ momentum: Float,
            _ decay: Float
        ) -> any Optimiser

    package static let sgd = MethodOptimiser(name: "SGD", decayed: "all parameters") {
        SGD($0, $1, momentum: $2, decay: $3)
    }
    package static let lars = MethodOptimiser(name: "LARS", decayed: "the weights alone") {
        LARS($0, $1, momentum: $2, decay: $3)
    }
    /// Its momentum is that of the first moment, β1.
    package static let adamW = MethodOptimiser(name: "AdamW", decayed: "all parameters") {
        Adam($0, $1, beta1: $2, decay: $3)
    }
}
