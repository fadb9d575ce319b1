import HLCompute
import HLFormats
import HLGenerators
import HLNet
import HLTensor

/// What the training has learnt: the averaged generator by standing statistics.
extension GeneratorTrainer {
    /// Batches over which the statistics of the averaged generator are gathered.
    package static let standingBatches = 60
    static let envelope = Checkpoint(kind: "generator", version: "1", writtenBy: "hl-train generator")

    /// Images of the averaged generator, F32 0…1 [B, 3, side, side], by fixed statistics: an image depends on its own
    /// latents alone. The first call after a step settles the statistics, which takes `standingBatches` batches.
    /// - Parameter latents: F32 [B, chunks, m].
    /// - Throws: whatever went wrong on the backend before.
    package func images(latents: HostTensor) throws -> HostTensor {
        settle()
        let width = settings.chunks * settings.chunkDimension
        precondition(latents.elementCount == latents.rowCount * width)
        var parts: [HostTensor] = []
        for first in stride(from: 0, to: latents.rowCount, by: 64) {
            let range = first..<min(first + 64, latents.rowCount)
            let pass = Pass(Tape(backend, recording: false), training: false)
            parts.append(
                try backend.read(average(columns(latents.rows(range).reshaped([range.count, width])), pass).value))
        }
        return HostTensor.concatenate(parts)
    }

    /// Gathers the averaged generator's statistics, anew after every step: means over many batches in training mode, in
    /// which the power iterations settle too.
    private func settle() {
        guard settledStep != step else { return }
        for (target, source) in zip(average.buffers, generator.buffers) {
            backend.assignRows(source, to: target, at: 0)
        }
        for batch in 0..<Self.standingBatches {
            // A whole batch, by whichever rank asks.
            let latents = TrainingLatents(
                places: (0..<settings.batch).map { Int64($0) }, chunks: settings.chunks,
                dimension: settings.chunkDimension,
                key: RandomKey(seed: settings.seed, purpose: .standingLatents, epoch: batch), content: .none)
            let pass = Pass(Tape(backend, recording: false), training: true)
            _ = average(columns(latents.values), momentum: 1 / Float(batch + 1), pass)
        }
        settledStep = step
    }

    /// The averaged generator with standing statistics, named as in BigBiGAN's public code: hl-sample reads it. The
    /// metadata say what holds content in chunk 0, and whether it has seen labels.
    /// - Parameter history: of the stream that was trained on, with the training itself last.
    package func file(history: [HistoryEntry]) throws -> TensorFile {
        settle()
        var tensors = NamedTensors()
        for (name, tensor) in try average.state(on: backend) {
            tensors[name] = tensor
            // The public code's convolutions have biases, which batch norms take out again.
            if name.hasSuffix(".sv0"), let layer = convolution(named: name) {
                let count = tensors["\(layer).weight"]?.shape[0] ?? 0
                tensors["\(layer).bias"] = HostTensor([Float](repeating: 0, count: count), shape: [count])
            }
        }
        var description: JSONObject = [
            "side": .integer(Int64(settings.side)), "width": .integer(Int64(settings.width)),
            "chunks": .integer(Int64(settings.chunks)), "dimension": .integer(Int64(settings.chunkDimension)),
            "images": .integer(Int64(imagesSeen)), "content": .string(settings.content.name),
        ]
        if case .cells(let classes) = settings.content {
            description["classes"] = .integer(Int64(classes))
            description["cells"] = "the largest of the first values of chunk 0"
        }
        description["has_seen_labels"] = .bool(settings.content.usesLabels)
        return Self.envelope.file(
            tensors, metadata: ["hl.generator": JSONValue.object(description).text], training: settings.json,
            history: history)
    }

    /// The layer of a block's convolution, by the name of one of its tensors; nil for all others.
    private func convolution(named name: String) -> String? {
        let parts = name.split(separator: ".")
        guard parts.count == 5, parts[0] == "blocks", parts[3].hasPrefix("conv") else { return nil }
        return parts.dropLast().joined(separator: ".")
    }

    /// Begins with the weights of a generator of the same shape, before the first step. The discriminator begins anew.
    /// - Throws: `Failure`: noInput, data, or incompatible where the file holds another network.
    package func initialise(from path: String) throws {
        precondition(step == 0)
        let file = try GeneratorFile.open(path: path)
        for network in [generator, average] {
            try network.forEachState("") { name, state in
                let (target, shape): (Tensor, [Int])
                switch state {
                case .parameter(let parameter): (target, shape) = (parameter.value, parameter.shape)
                case .buffer(let tensor, _): (target, shape) = (tensor, tensor.shape)
                case .counter: return
                }
                guard let found = file.shape(of: name), found == shape else {
                    throw Failure(
                        .incompatible,
                        "\(path) is another network: its \(name) is \(file.shape(of: name).map { "\($0)" } ?? "missing"), not \(shape)",
                        "give the side, the width and the size of chunks that it was made with")
                }
                backend.assign(try file.tensor(name), to: target)
            }
        }
    }
}

extension Module {
    /// What gradients do not train, in order.
    var buffers: [Tensor] {
        var result: [Tensor] = []
        forEachState("") { _, state in
            if case .buffer(let tensor, _) = state { result.append(tensor) }
        }
        return result
    }
}
