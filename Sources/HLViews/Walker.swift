import HLCompute
import HLFormats
import HLGenerators
import HLTensor

/// A learned perturbation, COP-Gen's navigator: T(z) = W₂ ReLU(W₁ z + b₁) + b₂ on the values of the chosen chunks, one
/// behind the other; the positive is z + T(z).
package final class Walker {
    /// d, the number of values it moves.
    package let dimension: Int
    /// The chunks that it was trained on, where its file says so.
    package let chunks: ChunkSet?
    /// Its file's path, for messages and headers.
    package let name: String
    /// The generator that it was trained on, where its file says so.
    let generator: GeneratorSpecification?

    private let backend: any Backend
    private let first: (weight: Tensor, bias: Tensor)  // [hidden, d], [hidden]
    private let second: (weight: Tensor, bias: Tensor)  // [d, hidden], [d]

    /// Samples at a time: activations stay in cache.
    private var blockSize: Int { dimension > 128 ? mappingBlock : 1024 }

    /// - Parameter tensors: `walker.0.weight` [hidden, d], `walker.0.bias`, `walker.2.weight` [d, hidden] and
    ///   `walker.2.bias`, in any floating-point type.
    /// - Throws: `Failure` (incompatible) if one is missing or they do not fit each other.
    package init(
        _ tensors: NamedTensors, chunks: ChunkSet? = nil, generator: GeneratorSpecification? = nil, name: String,
        backend: any Backend
    ) throws {
        func take(_ key: String, rank: Int) throws -> HostTensor {
            guard let tensor = tensors[key] else {
                throw ForeignWalker.refusal(name, "it has no \(key)")
            }
            guard tensor.shape.count == rank, tensor.elementCount > 0 else {
                throw ForeignWalker.refusal(name, "\(key) has the shape \(tensor.shape)")
            }
            let floats = try convertedToFloat32(tensor, name: "\(key) of \(name)")
            guard floats.firstNonFinite == nil else {
                throw Failure.notFinite("\(key) of \(name)", remedy: "train the walker again")
            }
            return floats
        }
        let weights = (try take("walker.0.weight", rank: 2), try take("walker.2.weight", rank: 2))
        let biases = (try take("walker.0.bias", rank: 1), try take("walker.2.bias", rank: 1))
        let (hidden, dimension) = (weights.0.shape[0], weights.0.shape[1])
        guard weights.1.shape == [dimension, hidden], biases.0.shape == [hidden], biases.1.shape == [dimension] else {
            throw ForeignWalker.refusal(
                name, "its layers \(weights.0.shape) and \(weights.1.shape) do not lead back to \(dimension) values")
        }
        self.dimension = dimension
        self.chunks = chunks
        self.generator = generator
        self.name = name
        self.backend = backend
        first = (backend.tensor(weights.0), backend.tensor(biases.0))
        second = (backend.tensor(weights.1), backend.tensor(biases.1))
    }

    /// The chunks of a latent of `count` chunks that the walker moves: the wanted ones, else those of its file, else
    /// all.
    /// - Throws: `Failure`: usage if the latent lacks one of them, incompatible if they are not d values together.
    package func chunks(wanted: ChunkSet?, count: Int, dimension chunkDimension: Int) throws -> ChunkSet {
        let chosen = wanted ?? chunks ?? ChunkSet(all: count)
        try chosen.validate(count: count)
        let size = chosen.indices.count * chunkDimension
        guard size == dimension else {
            throw Failure(
                .incompatible,
                "the walker moves \(dimension) values, and \(chosen.indices.count) chunks of \(chunkDimension) "
                    + "have \(size)",
                dimension % chunkDimension == 0 && dimension / chunkDimension <= count
                    ? "choose its \(dimension / chunkDimension) chunks"
                    : "use a walker of this generator")
        }
        return chosen
    }

    /// The positives z + T(z) of latents F32 [B, n, m], whose `chunks` are d values together; the others are kept.
    package func apply(to latent: HostTensor, chunks: ChunkSet) throws -> HostTensor {
        precondition(latent.type == .f32 && latent.shape.count == 3)
        let isWhole = chunks.indices.count == latent.shape[1]
        var parts: [HostTensor] = []
        for start in stride(from: 0, to: latent.rowCount, by: blockSize) {
            let rows = latent.rows(start..<min(start + blockSize, latent.rowCount))
            let chosen = (isWhole ? rows : Self.gather(rows, chunks)).reshaped([rows.rowCount, dimension])
            let moved = try move(chosen)
            parts.append(isWhole ? moved.reshaped(rows.shape) : Self.scatter(moved, into: rows, chunks))
        }
        return parts.isEmpty ? latent : HostTensor.concatenate(parts)
    }

    /// z + T(z), [B, d]. A sample's result depends on no other's.
    private func move(_ values: HostTensor) throws -> HostTensor {
        let z = backend.tensor(values)
        let hidden = backend.projectRows(z, first.weight)
        backend.addRowVector(first.bias, to: hidden)
        let step = backend.projectRows(backend.relu(hidden), second.weight)
        backend.addRowVector(second.bias, to: step)
        return try backend.read(backend.add(z, step))
    }

    private static func gather(_ latent: HostTensor, _ chunks: ChunkSet) -> HostTensor {
        let (count, dimension) = (latent.shape[1], latent.shape[2])
        let rows = latent.reshaped([latent.rowCount * count, dimension])
        let picked = (0..<latent.rowCount).flatMap { sample in chunks.indices.map { sample * count + $0 } }
        return rows.gather(picked)
    }

    private static func scatter(_ moved: HostTensor, into latent: HostTensor, _ chunks: ChunkSet) -> HostTensor {
        let (count, dimension) = (latent.shape[1], latent.shape[2])
        return HostTensor(.f32, shape: latent.shape) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            latent.withUnsafeElements(as: Float.self) { _ = target.update(from: $0) }
            moved.withUnsafeElements(as: Float.self) { source in
                var position = 0
                for sample in 0..<latent.rowCount {
                    for chunk in chunks.indices {
                        let start = (sample * count + chunk) * dimension
                        for i in 0..<dimension { target[start + i] = source[position + i] }
                        position += dimension
                    }
                }
            }
        }
    }
}
