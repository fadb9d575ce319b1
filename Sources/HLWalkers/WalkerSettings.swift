import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLViews

/// Everything that decides the result of a walker's training besides the stream. Kept in the checkpoint; a run is resumed
/// only with the settings it was started with.
package struct WalkerSettings: Sendable, Equatable {
    /// What moves: chunks of z, or the layers that take their w from the moved z.
    package var chunks: ChunkSet
    /// Anchors per step, of all ranks together.
    package var batch = 64
    /// Learning rates of the two Adams.
    package var walkerRate: Float
    package var estimatorRate: Float
    /// τ of InfoNCE.
    package var temperature: Float = 0.1
    /// The estimator's backbone.
    package var architecture = ResNet.Architecture.resnet18
    package var width = 64
    package var seed: UInt64 = 0
    /// Of the estimator's activations. The walker is F32, and the generator what its stream says.
    package var precision = Precision.f32
    /// Processes that train together, each on its share of every step's anchors.
    package var ranks = 1

    /// Adam's β₁ and β₂, both networks'.
    package static let betas: (Float, Float) = (0.5, 0.999)

    /// The paper's rates: 8e-5 and 5e-5, and for a walker on the whole latent 1e-5 and 3e-5.
    package static func paperRates(isWhole: Bool) -> (walker: Float, estimator: Float) {
        isWhole ? (1e-5, 3e-5) : (8e-5, 5e-5)
    }

    package init(chunks: ChunkSet, isWhole: Bool) {
        self.chunks = chunks
        (walkerRate, estimatorRate) = Self.paperRates(isWhole: isWhole)
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "chunks": .string(chunks.text), "batch": .integer(Int64(batch)),
            "learning_rate": .float(walkerRate), "estimator_learning_rate": .float(estimatorRate),
            "temperature": .float(temperature), "arch": .string(architecture.rawValue),
            "width": .integer(Int64(width)), "seed": .seed(seed),
        ]
        if precision != .f32 { object["precision"] = .string(precision.rawValue) }
        if ranks > 1 { object["ranks"] = .integer(Int64(ranks)) }
        return .object(object)
    }
}
