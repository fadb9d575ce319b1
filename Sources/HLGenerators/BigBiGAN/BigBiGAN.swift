import HLCompute
import HLNet
import HLTensor

/// BigBiGAN's generator (Donahue and Simonyan 2019; BigGAN's architecture, Brock et al. 2019), of any width and of 32 to
/// 512 pixels, as in `lukemelas/pytorch-pretrained-gans`: chunk 0 of the latent makes the first 4 × 4 positions, chunk
/// i + 1 enters block i through its conditional batch norms.
///
/// Evaluation mode only, so that everything fixed is folded into weights once (`BigBiGAN+Weights.swift`): spectral and
/// batch norms, biases of convolutions, the class embedding. Upsampling moves behind the shortcut's 1 × 1 convolution and
/// into the 3 × 3 convolution, which becomes four of 2 × 2.
package final class BigBiGAN: NetworkGenerator {
    static let name = "bigbigan"

    package let specification: GeneratorSpecification
    package let backend: any Backend
    package let networkSide: Int
    private let layers: Layers

    /// A batch norm whose scale and shift are linear in a chunk of the latent: [2C, m] and [2C], scale first.
    struct ConditionalNorm {
        let weight: Tensor
        let bias: Tensor
        var channels: Int { bias.elementCount / 2 }
    }

    struct Block {
        let norm1: ConditionalNorm
        /// [4O, I, 2, 2], by phase.
        let conv1: Tensor
        let norm2: ConditionalNorm
        /// [O, O, 3, 3]
        let conv2: Tensor
        /// [O, I, 1, 1]
        let shortcut: Tensor
        let attention: Attention?
    }

    /// Self-attention (Zhang et al. 2019, without the scale).
    struct Attention {
        /// θ, φ and g in one, [2d + e, C, 1, 1].
        let projection: Tensor
        let depth: Int
        /// What θ makes of the constants that were folded out of its input, [1, d].
        let queryShift: Tensor
        /// γ · o, [C, e, 1, 1].
        let output: Tensor
    }

    struct Layers {
        /// Values of a chunk.
        let chunk: Int
        /// [16 C, m] and [16 C].
        let linear: (weight: Tensor, bias: Tensor)
        let blocks: [Block]
        /// The last batch norm's scale and shift, [1, C].
        let outputNorm: (scale: Tensor, shift: Tensor)
        /// [16, C, 3, 3], of which three are in use: convolutions have fast kernels for whole blocks of channels only.
        let output: Tensor
        /// [1, 16]
        let outputBias: Tensor
    }

    /// - Throws: `Failure`: data or incompatible where the file is not that of such a network, usage where the
    ///   specification does not fit it.
    package init(_ specification: GeneratorSpecification, file: GeneratorFile, backend: any Backend) throws {
        let geometry = try BigBiGANGeometry(file)
        guard specification.base == geometry.latent,
            specification.resolution == (try specification.rendering.finishedSide(of: geometry.resolution))
        else {
            throw Failure(
                .incompatible, "\(file.path) is another network than the one that the stream was made for",
                "make the stream again with this file")
        }
        self.specification = specification
        self.backend = backend
        networkSide = geometry.resolution
        layers = try Layers(file, geometry, classIndex: specification.rendering.classIndex, backend: backend)
    }

    package static func specification(
        of file: GeneratorFile, path: String, digest: String, rendering: RenderingSettings
    ) throws -> GeneratorSpecification {
        let geometry = try BigBiGANGeometry(file)
        try geometry.check(classIndex: rendering.classIndex)
        return GeneratorSpecification(
            name: name, chunks: geometry.latent.chunks, dimension: geometry.latent.dimension,
            resolution: try rendering.finishedSide(of: geometry.resolution), weights: path, weightsDigest: digest,
            rendering: rendering)
    }

    // MARK: The way forward

    package func images(_ latents: Variable, space: LatentSpace, noise: NoiseSource?, _ pass: Pass) -> Variable {
        func chunk(_ index: Int) -> Variable {
            pass.columns(latents, index * layers.chunk..<(index + 1) * layers.chunk)
        }
        let batch = latents.shape[0]
        let first = pass.linear(chunk(0), layers.linear.weight, layers.linear.bias)
        var x = pass.activations(pass.reshaped(first, [batch, first.shape[1] / 16, 4, 4]))
        for (index, block) in layers.blocks.enumerated() { x = forward(block, x, chunk(index + 1), pass) }
        x = pass.modulate(
            x, scale: Variable(layers.outputNorm.scale), shift: Variable(layers.outputNorm.shift), activation: .relu)
        x = pass.convolution(x, layers.output, Window(size: 3, padding: 1))
        return pass.toImage(pass.modulate(x, shift: Variable(layers.outputBias)), .tanh)
    }

    /// [B, I, H, W] → [B, O, 2H, 2W].
    private func forward(_ block: Block, _ x: Variable, _ chunk: Variable, _ pass: Pass) -> Variable {
        let first = normalised(x, block.norm1, chunk, .same, pass)
        let phases = pass.convolution(first, block.conv1, Window(size: 2, padding: 1))
        let second = normalised(phases, block.norm2, chunk, .overlappingPhases, pass)
        let main = pass.convolution(second, block.conv2, Window(size: 3, padding: 1))
        let shortcut = pass.convolution(x, block.shortcut, Window(size: 1))
        let sum = pass.addingUpsampled(shortcut, to: main)
        return block.attention.map { attend($0, sum, pass) } ?? sum
    }

    private func normalised(
        _ x: Variable, _ norm: ConditionalNorm, _ chunk: Variable, _ arrangement: PhaseArrangement, _ pass: Pass
    ) -> Variable {
        let both = pass.linear(chunk, norm.weight, norm.bias)
        return pass.modulate(
            x, scale: pass.columns(both, 0..<norm.channels),
            shift: pass.columns(both, norm.channels..<2 * norm.channels),
            activation: .relu, arrangement: arrangement)
    }

    private func attend(_ attention: Attention, _ x: Variable, _ pass: Pass) -> Variable {
        let depth = attention.depth
        // Softmax and its products are F32.
        let projected = pass.converted(pass.convolution(x, attention.projection, Window(size: 1)), to: .f32)
        let pooled = pass.maxPool(projected, Window(size: 2, stride: 2))
        let query = pass.modulate(pass.channels(projected, 0..<depth), shift: Variable(attention.queryShift))
        let attended = pass.attention(
            query: query, key: pass.channels(pooled, depth..<2 * depth),
            value: pass.channels(pooled, 2 * depth..<pooled.shape[1]))
        return pass.add(x, pass.convolution(pass.activations(attended), attention.output, Window(size: 1)))
    }
}
