import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// The file of a trained walker: safetensors with T's weights under COP-Gen's names, and in the metadata what it moves,
/// in which generator, and how it came about. `HLViews.Walker` reads it.
package enum WalkerFile {
    /// - Parameters:
    ///   - weights: `walker.0.weight` and its like.
    ///   - samples: anchors that it has seen.
    ///   - loss: InfoNCE, averaged over the last steps.
    ///   - stopLoss: what it was to come back to.
    ///   - training: the settings of hl-train walker.
    ///   - history: of the stream that was trained on, with the training itself last.
    package static func make(
        _ target: WalkerTarget, of generator: GeneratorSpecification, weights: NamedTensors, samples: Int,
        loss: Double?,
        stopLoss: Double?, training: JSONValue, history: [HistoryEntry]
    ) -> TensorFile {
        var description: JSONObject = [
            "chunks": .string(target.chunks.text), "space": .string(target.space.rawValue),
            "dimension": .integer(Int64(target.dimension)), "samples": .integer(Int64(samples)),
        ]
        description["loss"] = loss.map { .number($0) }
        description["stop_loss"] = stopLoss.map { .number($0) }
        return Walker.envelope.file(
            weights,
            metadata: ["hl.walker": JSONValue.object(description).text, "hl.generator": generator.json.text],
            training: training, history: history)
    }
}
