import HLCompute
import HLNet

/// EfficientNet-Lite0 (Liu 2020, https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite; Tan &
/// Le 2019): mobile inverted bottlenecks with ReLU6 and without squeeze-excitation. Every piece of state has the name that
/// timm gives it.
///
/// One deviation is on offer: `width` other than 32 channels in the stem, with all others in proportion.
package final class EfficientNetLite: Backbone {
    /// Forms of one network, by timm's names. Their tensors have the same names and shapes.
    package enum Variant: String, Sendable, CaseIterable {
        /// As its authors trained it: TensorFlow's padding and ε, images from −1 to 1.
        case tensorFlow = "tf_efficientnet_lite0"
        /// As timm trains it: PyTorch's padding and ε, images normalised by ImageNet's mean and deviation.
        case torch = "efficientnet_lite0"

        /// Beside the variance in batch norm.
        var epsilon: Float { self == .tensorFlow ? 1e-3 : 1e-5 }

        func window(size: Int, stride: Int, side: Int) -> Window {
            self == .tensorFlow
                ? .same(size: size, stride: stride, side: side)
                : Window(size: size, stride: stride, padding: size / 2)
        }
    }

    /// Blocks of one kind, the first of which has the stride.
    struct Stage {
        let blocks: Int
        let kernel: Int
        let stride: Int
        /// Channels inside of a block over those of its input.
        let expansion: Int
        let channels: Int
    }

    /// The width of all published weights.
    package static let publishedWidth = 32

    /// Tan & Le 2019, table 1, without scaling at width 32.
    static func stages(width: Int) -> [Stage] {
        [
            (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112),
            (4, 5, 2, 6, 192),
            (1, 3, 1, 6, 320),
        ].map {
            Stage(blocks: $0.0, kernel: $0.1, stride: $0.2, expansion: $0.3, channels: $0.4 * width / publishedWidth)
        }
    }

    static func headChannels(width: Int) -> Int { 1280 * width / publishedWidth }

    /// Behind which stages the last activations of a size are: the endpoints of the public PyTorch code
    /// (https://github.com/lukemelas/EfficientNet-PyTorch, `extract_endpoints`).
    static let endpoints = [
        0: "reduction_1", 1: "reduction_2", 2: "reduction_3", 4: "reduction_4", 6: "reduction_5",
    ]
    /// What the classifier sees.
    static let main = "head"
    static let logits = "logits"

    private let stem: Convolution
    private let stemNorm: BatchNorm
    private let stages: [[Block]]
    private let head: Convolution
    private let headNorm: BatchNorm
    private let classifier: Linear?

    init(_ backend: any Backend, _ variant: Variant, width: Int, classes: Int?) {
        func norm(_ channels: Int) -> BatchNorm { BatchNorm(backend, channels, epsilon: variant.epsilon) }
        var channels = width
        stem = Convolution(backend, 3, channels, size: 3) { variant.window(size: 3, stride: 2, side: $0) }
        stemNorm = norm(channels)
        stages = Self.stages(width: width).map { stage in
            (0..<stage.blocks).map { index in
                let block = Block(backend, variant, channels, stage, stride: index == 0 ? stage.stride : 1)
                channels = stage.channels
                return block
            }
        }
        let headChannels = Self.headChannels(width: width)
        head = Convolution(backend, channels, headChannels, Window(size: 1))
        headNorm = norm(headChannels)
        classifier = classes.map { Linear(backend, headChannels, $0) }
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try stem.forEachState(prefix + "conv_stem.", body)
        try stemNorm.forEachState(prefix + "bn1.", body)
        for (stage, blocks) in stages.enumerated() {
            for (index, block) in blocks.enumerated() {
                try block.forEachState("\(prefix)blocks.\(stage).\(index).", body)
            }
        }
        try head.forEachState(prefix + "conv_head.", body)
        try headNorm.forEachState(prefix + "bn2.", body)
        try classifier?.forEachState(prefix + "classifier.", body)
    }

    package func features(of names: [String], _ images: Variable, _ pass: Pass) -> [Variable] {
        outputs(of: names, images, pass) { pass.averagePool($0) }
    }

    package func map(of layer: String, _ images: Variable, _ pass: Pass) -> Variable? {
        layer == Self.logits ? nil : outputs(of: [layer], images, pass) { $0 }.first
    }

    /// What `take` makes of the outputs of layers, [B, C, H, W], in their order, and the logits.
    private func outputs(
        of names: [String], _ images: Variable, _ pass: Pass, _ take: (Variable) -> Variable
    ) -> [Variable] {
        var x = stemNorm(stem(pass.activations(images), pass), activation: .relu6, pass)
        var result: [Variable] = []
        for (stage, blocks) in stages.enumerated() where result.count < names.count {
            for block in blocks { x = block(x, pass) }
            if let name = Self.endpoints[stage], names.contains(name) {
                result.append(take(x))
            }
        }
        guard result.count < names.count else { return result }
        let last = headNorm(head(x, pass), activation: .relu6, pass)
        if names.contains(Self.main) { result.append(take(last)) }
        if let classifier, names.contains(Self.logits) {
            result.append(classifier(pass.averagePool(last), pass))
        }
        return result
    }

    /// 1×1 to more channels, k×k depthwise, 1×1 to fewer (Sandler et al. 2018), around a shortcut where input and output
    /// have one shape. Without expansion the first is left out.
    private final class Block: Module {
        private let expansion: (convolution: Convolution, norm: BatchNorm)?
        private let depthwise: DepthwiseConvolution
        private let depthwiseNorm: BatchNorm
        private let projection: Convolution
        private let projectionNorm: BatchNorm
        private let hasShortcut: Bool

        init(
            _ backend: any Backend, _ variant: Variant, _ inputs: Int,
            _ stage: Stage, stride: Int
        ) {
            let inner = inputs * stage.expansion, size = stage.kernel
            func norm(_ channels: Int) -> BatchNorm { BatchNorm(backend, channels, epsilon: variant.epsilon) }
            expansion =
                stage.expansion == 1 ? nil : (Convolution(backend, inputs, inner, Window(size: 1)), norm(inner))
            depthwise = DepthwiseConvolution(backend, inner, size: size) {
                variant.window(size: size, stride: stride, side: $0)
            }
            depthwiseNorm = norm(inner)
            projection = Convolution(backend, inner, stage.channels, Window(size: 1))
            projectionNorm = norm(stage.channels)
            hasShortcut = stride == 1 && inputs == stage.channels
        }

        func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
            if let expansion {
                try expansion.convolution.forEachState(prefix + "conv_pw.", body)
                try expansion.norm.forEachState(prefix + "bn1.", body)
            }
            try depthwise.forEachState(prefix + "conv_dw.", body)
            try depthwiseNorm.forEachState(prefix + (expansion == nil ? "bn1." : "bn2."), body)
            try projection.forEachState(prefix + (expansion == nil ? "conv_pw." : "conv_pwl."), body)
            try projectionNorm.forEachState(prefix + (expansion == nil ? "bn2." : "bn3."), body)
        }

        func callAsFunction(_ x: Variable, _ pass: Pass) -> Variable {
            let wide = expansion.map { $0.norm($0.convolution(x, pass), activation: .relu6, pass) } ?? x
            let filtered = depthwiseNorm(depthwise(wide, pass), activation: .relu6, pass)
            return projectionNorm(projection(filtered, pass), residual: hasShortcut ? x : nil, pass)
        }
    }
}
