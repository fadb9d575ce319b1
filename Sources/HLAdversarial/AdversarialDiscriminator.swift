import HLCompute
import HLNet
import HLTensor

/// What scores images in adversarial training: residual blocks with spectral norm, the sum over positions and a linear
/// layer (SNGAN's, Miyato et al. 2018, as in BigGAN's code).
///
/// Shortcuts have no biases: those of the second convolutions do the same.
final class AdversarialDiscriminator: Module {
    private let blocks: [DiscriminatorBlock]
    private let linear: SpectralWeight
    private let linearBias: Parameter
    /// Classes, [K, C], whose product with the features counts towards the score (Miyato & Koyama 2018).
    private let embedding: SpectralWeight?
    private let head: ContentHead?

    /// - Parameters:
    ///   - classes: of the images, where it is to know them.
    ///   - hasHead: whether there is a head that tells which content is in an image.
    init(_ backend: any Backend, _ shape: NetworkShape, classes: Int?, hasHead: Bool) {
        let channels = shape.discriminatorChannels
        blocks = channels.indices.map { index in
            DiscriminatorBlock(
                backend, index == 0 ? 3 : channels[index - 1], channels[index], isFirst: index == 0,
                halves: index < channels.count - 1)
        }
        let features = channels[channels.count - 1]
        linear = SpectralWeight(backend, [1, features])
        linearBias = Parameter(backend, [1], .constant(0))
        embedding = classes.map { SpectralWeight(backend, [$0, features]) }
        head = hasHead ? ContentHead(backend, features: features) : nil
    }

    func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        for (index, block) in blocks.enumerated() { try block.forEachState("\(prefix)blocks.\(index).0.", body) }
        try linear.forEachState(prefix + "linear.", body)
        try body(prefix + "linear.bias", .parameter(linearBias))
        try embedding?.forEachState(prefix + "embed.", body)
        try head?.forEachState(prefix + "head.", body)
    }

    /// Scores [B, 1] and features [B, C] of images −1…1, [B, 3, side, side].
    /// - Parameter labels: of the images, where it was made for classes.
    func callAsFunction(
        _ images: Variable, labels: [Int32], _ pass: Pass
    ) -> (scores: Variable, features: Variable) {
        var x = pass.activations(images)
        for block in blocks { x = block(x, pass) }
        let positions = x.shape[2] * x.shape[3]
        let features = pass.scale(pass.averagePool(pass.relu(x)), by: Float(positions))
        let scores = pass.linear(features, weight: linear(pass), bias: linearBias)
        guard let embedding else { return (scores, features) }
        let rows = pass.mixed(oneHot(labels, count: embedding.weight.shape[0], pass), embedding(pass))
        let ones = Variable(pass.backend.constant(1, shape: [1, features.shape[1]]))
        return (pass.add(scores, pass.linear(pass.multiply(features, rows), weight: ones)), features)
    }

    private func oneHot(_ labels: [Int32], count: Int, _ pass: Pass) -> Tensor {
        var values = [Float](repeating: 0, count: labels.count * count)
        for (row, label) in labels.enumerated() { values[row * count + Int(label)] = 1 }
        return pass.backend.tensor(HostTensor(values, shape: [labels.count, count]))
    }

    /// Embeddings of unit length, [B, d], by which the head tells contents apart.
    func contents(_ features: Variable, _ pass: Pass) -> Variable? { head.map { $0(features, pass) } }
}

/// Two layers with ReLU between, and rows to unit length: what InfoNCE is computed on.
private final class ContentHead: Module {
    static let dimension = 64
    private let layers: [(weight: SpectralWeight, bias: Parameter)]

    init(_ backend: any Backend, features: Int) {
        layers = [[features, features], [Self.dimension, features]].map {
            (SpectralWeight(backend, $0), Parameter(backend, [$0[0]], .constant(0)))
        }
    }

    func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        for (index, layer) in zip([0, 2], layers) {
            try layer.weight.forEachState("\(prefix)\(index).", body)
            try body("\(prefix)\(index).bias", .parameter(layer.bias))
        }
    }

    func callAsFunction(_ features: Variable, _ pass: Pass) -> Variable {
        let hidden = pass.relu(pass.linear(features, weight: layers[0].weight(pass), bias: layers[0].bias))
        return pass.normaliseRows(pass.linear(hidden, weight: layers[1].weight(pass), bias: layers[1].bias))
    }
}

/// y = pool(conv2(relu(conv1(relu(x))))) + conv_sc(pool(x)); the first block takes images without ReLU, and the last
/// halves nothing.
private final class DiscriminatorBlock: Module {
    private let conv1: SpectralWeight
    private let bias1: Parameter
    private let conv2: SpectralWeight
    private let bias2: Parameter
    private let shortcut: SpectralWeight?
    private let isFirst: Bool
    private let halves: Bool

    init(_ backend: any Backend, _ inputs: Int, _ outputs: Int, isFirst: Bool, halves: Bool) {
        conv1 = SpectralWeight(backend, [outputs, inputs, 3, 3])
        bias1 = Parameter(backend, [outputs], .constant(0))
        conv2 = SpectralWeight(backend, [outputs, outputs, 3, 3])
        bias2 = Parameter(backend, [outputs], .constant(0))
        shortcut = inputs != outputs || halves ? SpectralWeight(backend, [outputs, inputs, 1, 1]) : nil
        self.isFirst = isFirst
        self.halves = halves
    }

    func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try conv1.forEachState(prefix + "conv1.", body)
        try body(prefix + "conv1.bias", .parameter(bias1))
        try conv2.forEachState(prefix + "conv2.", body)
        try body(prefix + "conv2.bias", .parameter(bias2))
        try shortcut?.forEachState(prefix + "conv_sc.", body)
    }

    func callAsFunction(_ x: Variable, _ pass: Pass) -> Variable {
        var h = isFirst ? x : pass.relu(x)
        h = pass.convolution(h, weight: conv1(pass), Window(size: 3, padding: 1))
        h = pass.biased(h, bias1, activation: .relu)
        h =
            halves
            ? pass.pooledConvolution(h, weight: conv2(pass))
            : pass.convolution(h, weight: conv2(pass), Window(size: 3, padding: 1))
        h = pass.biased(h, bias2)
        let short = halves ? pass.averageSquares(x) : x
        return pass.add(h, shortcut.map { pass.convolution(short, weight: $0(pass), Window(size: 1)) } ?? short)
    }
}
