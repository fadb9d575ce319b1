import HLCompute
import HLNet
import HLTensor

/// BigGAN's generator without classes in training mode, in the layout of BigBiGAN's public code (`HLGenerators.BigBiGAN` is
/// its form for rendering): chunk 0 of the latent makes the first 4 × 4 positions, chunk i + 1 and a learned constant are
/// the condition of both batch norms of block i.
///
/// The convolutions have no biases but the last: behind each comes a batch norm, which takes out a constant per channel.
/// The file has zeros for them.
final class AdversarialGenerator: Module {
    /// Values of the learned constant.
    static let sharedDimension = 8

    let shape: NetworkShape
    private let shared: Parameter
    private let linear: SpectralWeight
    private let linearBias: Parameter
    private let blocks: [GeneratorBlock]
    private let outputNorm: OutputNorm
    private let output: SpectralWeight
    private let outputBias: Parameter
    /// Convolutions have fast kernels for whole blocks of channels only: rows of zeros behind the three in use.
    private let unusedRows: Variable
    private let unusedBiases: Variable

    init(_ backend: any Backend, _ shape: NetworkShape) {
        self.shape = shape
        let channels = shape.generatorChannels, last = channels[channels.count - 1]
        shared = Parameter(backend, [1, Self.sharedDimension], .orthogonal)
        linear = SpectralWeight(backend, [16 * channels[0], shape.chunkDimension])
        linearBias = Parameter(backend, [16 * channels[0]], .constant(0))
        blocks = zip(channels, channels.dropFirst()).map {
            GeneratorBlock(backend, $0, $1, condition: Self.sharedDimension + shape.chunkDimension)
        }
        outputNorm = OutputNorm(backend, last)
        output = SpectralWeight(backend, [3, last, 3, 3])
        outputBias = Parameter(backend, [3], .constant(0))
        unusedRows = Variable(backend.constant(0, shape: [13, last, 3, 3]))
        unusedBiases = Variable(backend.constant(0, shape: [13]))
    }

    func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "shared.weight", .parameter(shared))
        try linear.forEachState(prefix + "linear.", body)
        try body(prefix + "linear.bias", .parameter(linearBias))
        for (index, block) in blocks.enumerated() { try block.forEachState("\(prefix)blocks.\(index).0.", body) }
        try outputNorm.forEachState(prefix + "output_layer.0.", body)
        try output.forEachState(prefix + "output_layer.2.", body)
        try body(prefix + "output_layer.2.bias", .parameter(outputBias))
    }

    /// Images 0…1, [B, 3, side, side], of latents [B, m] per chunk.
    /// - Parameter momentum: the share that this batch takes in the standing statistics; nil leaves them as they are.
    func callAsFunction(_ chunks: [Tensor], momentum: Float? = nil, _ pass: Pass) -> Variable {
        precondition(chunks.count == blocks.count + 1)
        let batch = chunks[0].shape[0], constant = pass.mixed(pass.backend.constant(1, shape: [batch, 1]), shared)
        let first = pass.linear(Variable(chunks[0]), weight: linear(pass), bias: linearBias)
        var x = pass.activations(pass.reshaped(first, [batch, first.shape[1] / 16, 4, 4]))
        for (block, chunk) in zip(blocks, chunks.dropFirst()) {
            let condition = pass.joinedColumns(constant, Variable(chunk))
            x = block(x, condition, momentum: momentum, pass)
        }
        x = outputNorm(x, momentum: momentum, pass)
        let weight = pass.concatenate([output(pass), unusedRows])
        x = pass.convolution(x, weight: weight, Window(size: 3, padding: 1))
        return pass.toImage(pass.biased(x, pass.concatenate([outputBias, unusedBiases])), .tanh)
    }
}

/// Doubles the side: y = conv2(norm2(conv1(up(norm1(x))))) + up(conv_sc(x)); a 1 × 1 convolution and nearest neighbours
/// commute.
private final class GeneratorBlock: Module {
    private let norm1: ConditionalBatchNorm
    private let conv1: SpectralWeight
    private let norm2: ConditionalBatchNorm
    private let conv2: SpectralWeight
    private let shortcut: SpectralWeight

    init(_ backend: any Backend, _ inputs: Int, _ outputs: Int, condition: Int) {
        norm1 = ConditionalBatchNorm(backend, inputs, condition: condition)
        conv1 = SpectralWeight(backend, [outputs, inputs, 3, 3])
        norm2 = ConditionalBatchNorm(backend, outputs, condition: condition)
        conv2 = SpectralWeight(backend, [outputs, outputs, 3, 3])
        shortcut = SpectralWeight(backend, [outputs, inputs, 1, 1])
    }

    func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try conv1.forEachState(prefix + "conv1.", body)
        try conv2.forEachState(prefix + "conv2.", body)
        try shortcut.forEachState(prefix + "conv_sc.", body)
        try norm1.forEachState(prefix + "bn1.", body)
        try norm2.forEachState(prefix + "bn2.", body)
    }

    func callAsFunction(_ x: Variable, _ condition: Variable, momentum: Float?, _ pass: Pass) -> Variable {
        var h = norm1(x, condition, momentum: momentum, pass)
        h = pass.upsamplingConvolution(h, weight: conv1(pass))
        h = norm2(h, condition, momentum: momentum, pass)
        h = pass.convolution(h, weight: conv2(pass), Window(size: 3, padding: 1))
        return pass.addingUpsampled(pass.convolution(x, weight: shortcut(pass), Window(size: 1)), to: h)
    }
}

/// The last batch norm, with gain and shift of its own and ReLU: BigGAN's `bn`.
private final class OutputNorm: Module {
    private let gain: Parameter
    private let bias: Parameter
    private let standing: StandingStatistics
    private static let epsilon: Float = 1e-5

    init(_ backend: any Backend, _ channels: Int) {
        gain = Parameter(backend, [channels], .constant(1))
        bias = Parameter(backend, [channels], .constant(0))
        standing = StandingStatistics(backend, channels)
    }

    func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "gain", .parameter(gain))
        try body(prefix + "bias", .parameter(bias))
        try standing.forEachState(prefix, body)
    }

    func callAsFunction(_ x: Variable, momentum: Float?, _ pass: Pass) -> Variable {
        pass.batchNorm(
            x, weight: gain, bias: bias, running: momentum.map(standing.running), fixed: standing.running(momentum: 0),
            epsilon: Self.epsilon, relu: true)
    }
}
