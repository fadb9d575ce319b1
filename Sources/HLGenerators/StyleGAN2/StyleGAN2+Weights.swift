import CKernels
import HLCompute
import HLTensor

extension StyleGAN2.Synthesis {
    init(
        _ reader: WeightsReader, _ geometry: StyleGAN2Geometry, _ rendering: RenderingSettings, _ backend: any Backend,
        phaseSide: Int
    ) throws {
        let loader = StyleGAN2Loader(reader, geometry, rendering.noise, backend, phaseSide: phaseSide)
        let channels = geometry.channels
        start = backend.tensor(
            try reader.take("synthesis.b4.const", [channels[0], 4, 4]).reshaped([1, channels[0], 4, 4]))
        blocks = try channels.indices.map { index in
            try loader.block(
                side: 4 << index, inputs: index == 0 ? nil : channels[index - 1], outputs: channels[index])
        }
        filter = UpsamplingFilter(kernel: loader.filter)
        clamp = reader.file.styleGAN2.convClamp ?? .infinity
        activation = Activation(slope: 0.2, gain: Float(2).squareRoot(), clamp: clamp)
    }
}

private final class StyleGAN2Loader {
    private let reader: WeightsReader
    private let width: Int
    private let colours: Int
    private let noise: NoiseMode
    private let backend: any Backend
    private let phaseSide: Int
    /// The resampling filter of the network, 4 × 4, once it has been met.
    private var kernel: [Float]?

    init(
        _ reader: WeightsReader, _ geometry: StyleGAN2Geometry, _ noise: NoiseMode, _ backend: any Backend,
        phaseSide: Int
    ) {
        self.phaseSide = phaseSide
        self.reader = reader
        width = geometry.mapped.dimension
        colours = geometry.colours
        self.noise = noise
        self.backend = backend
    }

    func block(side: Int, inputs: Int?, outputs: Int) throws -> StyleGAN2.Block {
        let name = "synthesis.b\(side)"
        _ = try resampleFilter("\(name).resample_filter")
        return StyleGAN2.Block(
            layer0: try inputs.map { try layer("\(name).conv0", side: side, $0, outputs, isUpsampling: true) },
            layer1: try layer("\(name).conv1", side: side, outputs, outputs, isUpsampling: false),
            toRGB: try toRGB("\(name).torgb", outputs))
    }

    private func layer(
        _ name: String, side: Int, _ inputs: Int, _ outputs: Int, isUpsampling: Bool
    ) throws -> StyleGAN2.Layer {
        let weight = try reader.take("\(name).weight", [outputs, inputs, 3, 3])
        let filter = try resampleFilter("\(name).resample_filter")
        let convolution = try convolution(weight, isUpsampling ? try halves(of: filter) : nil, side: side)
        // Networks can be made without noise, whole or layer by layer.
        let hasImage = reader.has("\(name).noise_strength") || reader.has("\(name).noise_const")
        let strength = hasImage ? Float(try reader.scalar("\(name).noise_strength")) : 0
        let image = hasImage ? try reader.take("\(name).noise_const", [side, side]) : nil
        let fixed = noise == .const && strength != 0 ? image : nil
        return StyleGAN2.Layer(
            affine: try affine(name, inputs, gain: 1), convolution: convolution,
            squares: backend.tensor(Self.squares(weight)),
            bias: backend.tensor(try reader.take("\(name).bias", [outputs]).reshaped([1, outputs])),
            noise: fixed.map { backend.tensor($0.scaled(by: strength).reshaped([1, side, side])) },
            noiseStrength: strength, side: side)
    }

    /// - Parameter filter: of one direction, where the layer doubles the side.
    private func convolution(_ weight: HostTensor, _ filter: [Float]?, side: Int) throws -> StyleGAN2.Convolution {
        func frozen(_ host: HostTensor) -> Tensor {
            let tensor = backend.tensor(host)
            backend.freeze(tensor)
            return tensor
        }
        guard let filter else { return .same(frozen(weight)) }
        if side >= phaseSide { return .phases(frozen(PhaseWeights.transposed(weight, filter: filter))) }
        // A true convolution turns its filter round; the gain of 2 makes up for the inserted zeros.
        return .transposed(frozen(weight.swappingChannels()), filter: filter.reversed().map { 2 * $0 })
    }

    /// A network of grey images makes R, G and B alike.
    private func toRGB(_ name: String, _ channels: Int) throws -> StyleGAN2.ToRGB {
        let copies = 3 / colours
        func repeated(_ values: HostTensor) -> HostTensor {
            HostTensor.concatenate([HostTensor](repeating: values, count: copies))
        }
        let weight = repeated(try reader.take("\(name).weight", [colours, channels, 1, 1]))
        let bias = repeated(try reader.take("\(name).bias", [colours]))
        return StyleGAN2.ToRGB(
            affine: try affine(name, channels, gain: 1 / Float(channels).squareRoot()),
            weight: backend.tensor(weight.reshaped([1, 3 * channels])), bias: backend.tensor(bias.reshaped([1, 3])))
    }

    /// An equalised fully connected layer: weights times 1 / √in.
    private func affine(_ name: String, _ outputs: Int, gain: Float) throws -> StyleGAN2.Affine {
        let weight = try reader.take("\(name).affine.weight", [outputs, width])
        let bias = try reader.take("\(name).affine.bias", [outputs])
        return (
            backend.tensor(weight.scaled(by: gain / Float(width).squareRoot())), backend.tensor(bias.scaled(by: gain))
        )
    }

    /// Squares summed over each kernel, [O, I].
    private static func squares(_ weight: HostTensor) -> HostTensor {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let sums = weight.withUnsafeElements(as: Float.self) { values in
            (0..<outputs * inputs).map { kernel -> Float in
                var sum: Float = 0
                for tap in kernel * 9..<(kernel + 1) * 9 { sum += values[tap] * values[tap] }
                return sum
            }
        }
        return HostTensor(sums, shape: [outputs, inputs])
    }

    // MARK: The resampling filter

    /// Every layer stores it; all have to be the same.
    private func resampleFilter(_ name: String) throws -> [Float] {
        guard reader.has(name) else { return filter }
        let shape = try reader.shape(name, rank: 2)
        guard shape == [4, 4] else {
            throw Failure(
                .incompatible,
                "the resampling filter of \(reader.file.path) has \(shape[0]) x \(shape[1]) taps, not 4 x 4",
                "use a network with the filter of StyleGAN2, [1, 3, 3, 1]")
        }
        let values = try reader.take(name, [4, 4]).floats
        if let kernel {
            guard zip(kernel, values).allSatisfy({ abs($0 - $1) < 1e-6 }) else {
                throw Failure(
                    .incompatible, "\(reader.file.path) has layers with different resampling filters",
                    "use a network with one filter")
            }
        }
        kernel = values
        return values
    }

    /// The file's, or what the family uses where it stores none.
    var filter: [Float] {
        if let kernel { return kernel }
        let taps: [Float] = [1, 3, 3, 1]
        return taps.flatMap { row in taps.map { row * $0 / 64 } }
    }

    /// The filter of one direction, whose outer product with itself the filter has to be.
    private func halves(of kernel: [Float]) throws -> [Float] {
        let sums = (0..<4).map { row in (0..<4).reduce(Float(0)) { $0 + kernel[row * 4 + $1] } }
        let isProduct = (0..<16).allSatisfy { abs(kernel[$0] - sums[$0 / 4] * sums[$0 % 4]) < 1e-5 }
        guard isProduct else {
            throw Failure(
                .incompatible, "the resampling filter of \(reader.file.path) is not the same in both directions",
                "use a network with a separable filter, such as [1, 3, 3, 1]")
        }
        return sums
    }
}
