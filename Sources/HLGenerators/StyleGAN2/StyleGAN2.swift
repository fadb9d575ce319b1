import HLCompute
import HLNet
import HLTensor

/// StyleGAN2's generator (Karras et al. 2020), 8 to 4096 pixels with skip connections, as in `NVlabs/stylegan2-ada-pytorch`
/// with `force_fp32`: a mapping network from z to w, and a synthesis network whose every layer takes its own w.
///
/// A modulated convolution scales its input per channel, convolves all samples with one weight, and scales its output:
/// no weight is copied per sample. The scale of the input is the gain of the layer before, and that of the output belongs
/// to the pass that adds noise and bias and takes the activation. Upsampling convolutions are transposed ones where they
/// are small; from `phaseSide` on they and their filter are one 3 × 3 convolution of the small image by phases
/// (`PhaseWeights`), to which Winograd's algorithm applies and which makes no large image in between.
package final class StyleGAN2: NetworkGenerator, LatentMapper {
    static let name = "stylegan2"

    package let specification: GeneratorSpecification
    package let backend: any Backend
    package let networkSide: Int
    let mapping: StyleGAN2Mapping
    private let synthesis: Synthesis

    /// The affine layer that makes styles of w: [I, width] and [I].
    typealias Affine = (weight: Tensor, bias: Tensor)

    struct Layer {
        let affine: Affine
        let convolution: Convolution
        /// Squares summed over the kernel, [O, I].
        let squares: Tensor
        /// [1, O]
        let bias: Tensor
        /// The file's noise image times its strength, [1, side, side], unless it is zero.
        let noise: Tensor?
        let noiseStrength: Float
        let side: Int
    }

    enum Convolution {
        /// [O, I, 3, 3]
        case same(Tensor)
        /// Twice the side, by phase, [4O, I, 3, 3].
        case phases(Tensor)
        /// Twice the side, as a transposed convolution, [I, O, 3, 3], and then the resampling filter of one direction.
        case transposed(Tensor, filter: [Float])
    }

    struct ToRGB {
        /// Styles times 1 / √I.
        let affine: Affine
        /// [1, 3 I]
        let weight: Tensor
        /// [1, 3]
        let bias: Tensor
    }

    struct Block {
        /// Upsampling; none in the first block, which begins with a constant.
        let layer0: Layer?
        let layer1: Layer
        let toRGB: ToRGB
    }

    struct Synthesis {
        /// [1, C, 4, 4]
        let start: Tensor
        let blocks: [Block]
        let filter: UpsamplingFilter
        let activation: Activation
        /// Bounds what toRGB gives; infinite without one.
        let clamp: Float
    }

    /// Output side from which upsampling by phases is the faster way, measured with 512 channels.
    package static let phaseSide = 128

    /// - Throws: `Failure`: data or incompatible where the file is not that of such a network, usage where the
    ///   specification does not fit it.
    package init(
        _ specification: GeneratorSpecification, file: GeneratorFile, backend: any Backend,
        phaseSide: Int = phaseSide
    ) throws {
        let geometry = try StyleGAN2Geometry(file)
        try geometry.check(specification, file)
        self.specification = specification
        self.backend = backend
        networkSide = geometry.resolution
        let reader = WeightsReader(file)
        mapping = try StyleGAN2Mapping(specification, geometry, reader, backend)
        synthesis = try Synthesis(reader, geometry, specification.rendering, backend, phaseSide: phaseSide)
        try reader.finish("StyleGAN2")
    }

    package static func specification(
        of file: GeneratorFile, path: String, digest: String, rendering: RenderingSettings
    ) throws -> GeneratorSpecification {
        let geometry = try StyleGAN2Geometry(file)
        try geometry.check(classIndex: rendering.classIndex)
        guard geometry.hasNoise || rendering.noise != .random else {
            throw Failure(.usage, "\(path) is a network without noise images", "leave out --noise random")
        }
        return GeneratorSpecification(
            name: name, chunks: 1, dimension: geometry.latent, mapped: geometry.mapped,
            resolution: try rendering.finishedSide(of: geometry.resolution), weights: path, weightsDigest: digest,
            rendering: rendering)
    }

    package func mapped(_ z: Tensor) -> Tensor { mapping.mapped(z) }
    package var mappedShape: LatentShape { mapping.mappedShape }

    // MARK: The way forward

    package func images(_ latents: Variable, space: LatentSpace, noise: NoiseSource?, _ pass: Pass) -> Variable {
        let styles = Styles(latents, space, mapping, pass)
        var next = 0
        func take() -> Variable {
            defer { next += 1 }
            return styles[next]
        }
        let batch = latents.shape[0]
        var x = pass.activations(
            Variable(backend.concatenate([Tensor](repeating: synthesis.start, count: batch))))
        var image: Variable?
        for block in synthesis.blocks {
            let first = block.layer0.map { ($0, take()) }, second = (block.layer1, take())
            // The last of a block's w is also the first of the next one's.
            let colour = styles[next]
            let style1 = pass.linear(second.1, second.0.affine.weight, second.0.affine.bias)
            if let (layer, w) = first {
                let style0 = pass.linear(w, layer.affine.weight, layer.affine.bias)
                x = forward(layer, pass.modulate(x, scale: style0), style: style0, gain: style1, next - 2, noise, pass)
            } else {
                x = pass.modulate(x, scale: style1)
            }
            x = forward(second.0, x, style: style1, gain: nil, next - 1, noise, pass)
            let rgb = toRGB(block.toRGB, x, colour, pass)
            image = image.map { pass.add(pass.filterUpsampled($0, synthesis.filter), rgb) } ?? rgb
        }
        guard let image else { preconditionFailure("a synthesis network has blocks") }
        return pass.toImage(image, .clamp)
    }

    /// A modulated 3 × 3 convolution with demodulation, then noise, bias and activation.
    /// - Parameters:
    ///   - x: times its style already.
    ///   - gain: the next layer's style, which its input is multiplied by.
    private func forward(
        _ layer: Layer, _ x: Variable, style: Variable, gain: Variable?, _ number: Int, _ noise: NoiseSource?,
        _ pass: Pass
    ) -> Variable {
        let power = pass.linear(pass.multiply(style, style), layer.squares)
        let demodulation = pass.inverseRoot(power, epsilon: 1e-8)
        var arrangement = PhaseArrangement.same
        let y: Variable
        switch layer.convolution {
        case .same(let weight): y = pass.convolution(x, weight, Window(size: 3, padding: 1))
        case .phases(let weight):
            y = pass.convolution(x, weight, Window(size: 3, padding: 1))
            arrangement = .phases
        case .transposed(let weight, let filter):
            let large = pass.transposedConvolution(x, weight, Window(size: 3, stride: 2))
            y = pass.filter(large, taps: filter, offset: 1, outputSide: layer.side)
        }
        return pass.modulate(
            y, scale: demodulation, shift: Variable(layer.bias), gain: gain, noise: noiseImages(layer, number, noise),
            activation: synthesis.activation, arrangement: arrangement)
    }

    private func noiseImages(_ layer: Layer, _ number: Int, _ source: NoiseSource?) -> Tensor? {
        guard let source, layer.noiseStrength != 0 else { return layer.noise }
        return backend.scale(source(number, layer.side), by: layer.noiseStrength)
    }

    /// [B, C, H, W] → [B, 3, H, W], F32, without demodulation.
    private func toRGB(_ layer: ToRGB, _ x: Variable, _ w: Variable, _ pass: Pass) -> Variable {
        let batch = x.shape[0], channels = x.shape[1]
        let style = pass.linear(w, layer.affine.weight, layer.affine.bias)
        let three = pass.tiled(style, 3)
        let weights = pass.modulate(three, scale: Variable(layer.weight))
        let y = pass.mixChannels(x, weights: pass.reshaped(weights, [batch, 3, channels]))
        return pass.modulate(
            y, shift: Variable(layer.bias), activation: Activation(slope: 1, clamp: synthesis.clamp))
    }
}

/// The w of every layer, [B, width].
private struct Styles {
    private let whole: Variable
    private let isShared: [Bool]
    private let truncated: Variable?
    private let width: Int
    private let pass: Pass

    /// From z one w serves all layers, but for those that a truncation with a cutoff leaves alone.
    init(_ latents: Variable, _ space: LatentSpace, _ mapping: StyleGAN2Mapping, _ pass: Pass) {
        self.pass = pass
        width = mapping.width
        if space == .w {
            whole = latents
            truncated = nil
            isShared = []
        } else {
            whole = mapping.forward(latents, pass)
            truncated = mapping.isTruncating ? mapping.truncated(whole, pass) : nil
            isShared = mapping.truncatedLayers
        }
    }

    subscript(layer: Int) -> Variable {
        if isShared.isEmpty { return pass.columns(whole, layer * width..<(layer + 1) * width) }
        return isShared[layer] ? truncated ?? whole : whole
    }
}
