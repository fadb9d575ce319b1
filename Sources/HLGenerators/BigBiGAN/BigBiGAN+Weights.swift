import CKernels
import HLCompute
import HLTensor

/// Folding: what is fixed in evaluation mode becomes part of the weights.
///
/// Activations travel without the biases of the convolutions that made them. A bias is a constant per channel, which
/// upsampling and 1 × 1 convolutions keep one, so the next batch norm's shift takes it in; `offset` carries the sum along
/// the residual path.
extension BigBiGAN.Layers {
    init(_ file: GeneratorFile, _ geometry: BigBiGANGeometry, classIndex: Int, backend: any Backend) throws {
        try geometry.check(classIndex: classIndex)
        let reader = WeightsReader(file)
        let folder = BigBiGANFolder(reader, geometry, classIndex: classIndex, backend: backend)
        chunk = geometry.latent.dimension
        linear = try folder.linear()
        // In the order of the file, whose pages are read once.
        var offset = [Double](repeating: 0, count: geometry.blocks[0].inputs)
        blocks = try geometry.blocks.enumerated().map { try folder.block($0, $1, &offset) }
        outputNorm = try folder.outputNorm(offset)
        (output, outputBias) = try folder.output(inputs: offset.count)
        try reader.finish("BigBiGAN")
    }
}

private final class BigBiGANFolder {
    private let reader: WeightsReader
    private let geometry: BigBiGANGeometry
    private let classIndex: Int
    private let backend: any Backend
    /// The class's row of the embedding.
    private var embedding: [Double]?

    init(_ reader: WeightsReader, _ geometry: BigBiGANGeometry, classIndex: Int, backend: any Backend) {
        self.reader = reader
        self.geometry = geometry
        self.classIndex = classIndex
        self.backend = backend
    }

    // MARK: Spectral norm (Miyato et al. 2018), in evaluation mode

    /// A weight [out, …] and the factor that spectral norm multiplies it by: with v = norm(u M) and t = v Mᵀ, σ = t ·
    /// norm(t), where norm divides by max(|x|, 1e-4). The stored singular value is never read.
    private func normalised(_ name: String, _ shape: [Int]) throws -> (weight: HostTensor, factor: Float) {
        let weight = try reader.take("\(name).weight", shape)
        let u = try reader.take("\(name).u0", [1, shape[0]]).floats
        reader.ignore("\(name).sv0")
        let width = weight.rowSize
        var v = [Float](repeating: 0, count: width), t = [Double](repeating: 0, count: shape[0])
        weight.withUnsafeElements(as: Float.self) { m in
            guard let m = m.baseAddress else { return }
            for row in 0..<shape[0] { hl_axpy(u[row], m + row * width, &v, width) }
            let norm = hl_dot(v, v, width).squareRoot()
            hl_scale(Float(1 / max(norm, 1e-4)), v, &v, width)
            for row in 0..<shape[0] { t[row] = hl_dot(m + row * width, v, width) }
        }
        let square = t.reduce(0) { $0 + $1 * $1 }
        let sigma = square / max(square.squareRoot(), 1e-4)
        guard sigma > 0, sigma.isFinite else {
            throw Failure(.data, "\(name).weight of \(reader.file.path) is zero", "fetch or save the file again")
        }
        return (weight, Float(1 / sigma))
    }

    private func scaled(_ name: String, _ shape: [Int]) throws -> HostTensor {
        let (weight, factor) = try normalised(name, shape)
        return weight.scaled(by: factor)
    }

    private func frozen(_ host: HostTensor) -> Tensor {
        let tensor = backend.tensor(host)
        backend.freeze(tensor)
        return tensor
    }

    private func vector(_ values: [Double], shape: [Int]) -> Tensor {
        backend.tensor(HostTensor(values.map(Float.init), shape: shape))
    }

    // MARK: Layers

    func linear() throws -> (weight: Tensor, bias: Tensor) {
        let outputs = 16 * geometry.blocks[0].inputs
        return (
            backend.tensor(try scaled("linear", [outputs, geometry.latent.dimension])),
            backend.tensor(try reader.take("linear.bias", [outputs]))
        )
    }

    func block(_ index: Int, _ block: BigBiGANGeometry.Block, _ offset: inout [Double]) throws -> BigBiGAN.Block {
        let name = "blocks.\(index).0", (inputs, outputs) = (block.inputs, block.outputs)
        let norm1 = try norm("\(name).bn1", offset)
        let (weight1, factor1) = try normalised("\(name).conv1", [outputs, inputs, 3, 3])
        let conv1 = frozen(PhaseWeights.nearest(weight1, scale: factor1))
        let norm2 = try norm("\(name).bn2", try reader.values("\(name).conv1.bias", [outputs]))
        let conv2 = frozen(try scaled("\(name).conv2", [outputs, outputs, 3, 3]))
        let shortcut = try scaled("\(name).conv_sc", [outputs, inputs, 1, 1])
        let biases = (
            try reader.values("\(name).conv2.bias", [outputs]), try reader.values("\(name).conv_sc.bias", [outputs])
        )
        let carried = Self.product(shortcut, offset)
        offset = (0..<outputs).map { biases.0[$0] + biases.1[$0] + carried[$0] }
        let attention = block.hasAttention ? try attention("blocks.\(index).1", &offset) : nil
        return BigBiGAN.Block(
            norm1: norm1, conv1: conv1, norm2: norm2, conv2: conv2, shortcut: frozen(shortcut), attention: attention)
    }

    /// (x + offset − mean) / √(var + 1e-4) · (1 + gain(y)) + bias(y), with y the class's embedding followed by a chunk.
    private func norm(_ name: String, _ offset: [Double]) throws -> BigBiGAN.ConditionalNorm {
        let channels = offset.count, shared = geometry.shared, chunk = geometry.latent.dimension
        let mean = try reader.values("\(name).stored_mean", [channels])
        let variance = try reader.values("\(name).stored_var", [channels])
        let gain = try scaled("\(name).gain", [channels, shared + chunk]).floats
        let bias = try scaled("\(name).bias", [channels, shared + chunk]).floats
        let embedding = try classEmbedding()
        var weights = [Double](repeating: 0, count: 2 * channels * chunk)
        var constants = [Double](repeating: 0, count: 2 * channels)
        for channel in 0..<channels {
            let row = channel * (shared + chunk)
            let inverse = 1 / (max(variance[channel], 0) + 1e-4).squareRoot()
            let centre = offset[channel] - mean[channel]
            var fixedGain = 1.0, fixedBias = 0.0
            for index in 0..<shared {
                fixedGain += Double(gain[row + index]) * embedding[index]
                fixedBias += Double(bias[row + index]) * embedding[index]
            }
            constants[channel] = inverse * fixedGain
            constants[channels + channel] = fixedBias + centre * inverse * fixedGain
            for index in 0..<chunk {
                let scale = inverse * Double(gain[row + shared + index])
                weights[channel * chunk + index] = scale
                weights[(channels + channel) * chunk + index] = Double(bias[row + shared + index]) + centre * scale
            }
        }
        return BigBiGAN.ConditionalNorm(
            weight: vector(weights, shape: [2 * channels, chunk]), bias: vector(constants, shape: [2 * channels]))
    }

    private func classEmbedding() throws -> [Double] {
        if let embedding { return embedding }
        let table = try reader.take("shared.weight", [geometry.classes, geometry.shared])
        let row = table.rows(classIndex..<classIndex + 1).floats.map(Double.init)
        embedding = row
        return row
    }

    /// A constant of the keys changes no softmax, one of the values comes out as it went in; only the queries' is left.
    private func attention(_ name: String, _ offset: inout [Double]) throws -> BigBiGAN.Attention {
        let channels = offset.count
        let depth = try reader.shape("\(name).theta.weight", rank: 4)[0]
        let width = try reader.shape("\(name).g.weight", rank: 4)[0]
        let theta = try scaled("\(name).theta", [depth, channels, 1, 1])
        let phi = try scaled("\(name).phi", [depth, channels, 1, 1])
        let g = try scaled("\(name).g", [width, channels, 1, 1])
        let (o, factor) = try normalised("\(name).o", [channels, width, 1, 1])
        let output = o.scaled(by: factor * Float(try reader.scalar("\(name).gamma")))
        let shift = Self.product(theta, offset), value = Self.product(g, offset)
        let carried = Self.product(output, value)
        offset = (0..<channels).map { offset[$0] + carried[$0] }
        return BigBiGAN.Attention(
            projection: frozen(HostTensor.concatenate([theta, phi, g])), depth: depth,
            queryShift: vector(shift, shape: [1, depth]), output: frozen(output))
    }

    func outputNorm(_ offset: [Double]) throws -> (scale: Tensor, shift: Tensor) {
        let channels = offset.count
        let gain = try reader.values("output_layer.0.gain", [channels])
        let bias = try reader.values("output_layer.0.bias", [channels])
        let mean = try reader.values("output_layer.0.stored_mean", [channels])
        let variance = try reader.values("output_layer.0.stored_var", [channels])
        let scale = (0..<channels).map { gain[$0] / (max(variance[$0], 0) + 1e-5).squareRoot() }
        let shift = (0..<channels).map { bias[$0] + (offset[$0] - mean[$0]) * scale[$0] }
        return (vector(scale, shape: [1, channels]), vector(shift, shape: [1, channels]))
    }

    func output(inputs: Int) throws -> (weight: Tensor, bias: Tensor) {
        let weight = try scaled("output_layer.2", [3, inputs, 3, 3])
        let bias = try reader.values("output_layer.2.bias", [3])
        let rest = HostTensor([Float](repeating: 0, count: 13 * inputs * 9), shape: [13, inputs, 3, 3])
        return (
            frozen(HostTensor.concatenate([weight, rest])),
            vector(bias + [Double](repeating: 0, count: 13), shape: [1, 16])
        )
    }

    /// A 1 × 1 convolution's weight [O, I, 1, 1] times a vector [I].
    private static func product(_ weight: HostTensor, _ vector: [Double]) -> [Double] {
        weight.withUnsafeElements(as: Float.self) { values in
            (0..<weight.shape[0]).map { row in
                (0..<vector.count).reduce(0) { $0 + Double(values[row * vector.count + $1]) * vector[$1] }
            }
        }
    }
}
