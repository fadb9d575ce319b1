import HLCompute
import HLNet
import HLTensor

/// The residual networks of He et al. 2016, as torchvision builds them: the stride of a bottleneck sits on its 3×3
/// convolution, and every piece of state has torchvision's name.
///
/// Two deviations are on offer: `width` other than 64 channels in the first stage, and a stem for small images.
package final class ResNet: Backbone {
    /// The depths that torchvision has and this project trains.
    package enum Architecture: String, Sendable, CaseIterable {
        case resnet18
        case resnet34
        case resnet50

        var blocks: [Int] { self == .resnet18 ? [2, 2, 2, 2] : [3, 4, 6, 3] }
        var hasBottlenecks: Bool { self == .resnet50 }
        /// Output channels of a block over its inner ones.
        var expansion: Int { hasBottlenecks ? 4 : 1 }
    }

    /// What comes before the first block.
    package enum Stem: String, Sendable, CaseIterable {
        /// 7×7 stride 2, then 3×3 max pooling stride 2: torchvision's.
        case imagenet
        /// One 3×3 convolution, stride 1, no pooling, as is usual on CIFAR.
        case cifar
    }

    package let architecture: Architecture
    /// Channels of the first stage; torchvision's is 64.
    package let width: Int
    package let stem: Stem
    /// Length of the feature vector: 512 or 2048 at width 64.
    package var featureCount: Int { width * 8 * architecture.expansion }

    private let conv1: Convolution
    private let bn1: BatchNorm
    private let layers: [[Block]]

    /// - Parameter zeroInitResidual: start every block as the identity, as SimSiam does.
    package init(
        _ backend: any Backend, _ architecture: Architecture, width: Int = 64, stem: Stem = .imagenet,
        zeroInitResidual: Bool = true
    ) {
        self.architecture = architecture
        self.width = width
        self.stem = stem
        conv1 = Convolution(
            backend, 3, width,
            stem == .imagenet ? Window(size: 7, stride: 2, padding: 3) : Window(size: 3, padding: 1))
        bn1 = BatchNorm(backend, width)
        var channels = width
        layers = architecture.blocks.enumerated().map { stage, count in
            let inner = width << stage
            return (0..<count).map { index in
                let block = Block(
                    backend, inChannels: channels, channels: inner, stride: stage > 0 && index == 0 ? 2 : 1,
                    architecture, zeroInit: zeroInitResidual)
                channels = inner * architecture.expansion
                return block
            }
        }
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try conv1.forEachState(prefix + "conv1.", body)
        try bn1.forEachState(prefix + "bn1.", body)
        for (stage, blocks) in layers.enumerated() {
            for (index, block) in blocks.enumerated() {
                try block.forEachState("\(prefix)layer\(stage + 1).\(index).", body)
            }
        }
    }

    /// Normalised images [B, 3, H, W] → features [B, featureCount], what torchvision gives to `fc`.
    package func callAsFunction(_ images: Variable, _ pass: Pass) -> Variable {
        features(of: [Self.stages[3]], images, pass)[0]
    }

    /// Names of the stages, each of which can give features.
    static let stages = (1...4).map { "layer\($0)" }

    package func features(of names: [String], _ images: Variable, _ pass: Pass) -> [Variable] {
        outputs(of: names, images, pass) { pass.averagePool($0) }
    }

    package func map(of layer: String, _ images: Variable, _ pass: Pass) -> Variable? {
        outputs(of: [layer], images, pass) { $0 }.first
    }

    /// What `take` makes of the outputs of stages, [B, C, H, W], in their order.
    private func outputs(
        of names: [String], _ images: Variable, _ pass: Pass, _ take: (Variable) -> Variable
    ) -> [Variable] {
        var x = conv1(pass.activations(images), pass)
        x =
            stem == .imagenet
            ? bn1(x, reluAndMaxPool: Window(size: 3, stride: 2, padding: 1), pass) : bn1(x, relu: true, pass)
        var result: [Variable] = []
        for (name, blocks) in zip(Self.stages, layers) where result.count < names.count {
            for block in blocks { x = block(x, pass) }
            if names.contains(name) { result.append(take(x)) }
        }
        return result
    }

    /// Two 3×3 convolutions (BasicBlock), or 1×1, 3×3, 1×1 (Bottleneck), around a shortcut.
    private final class Block: Module {
        private let convolutions: [Convolution]
        private let norms: [BatchNorm]
        private let downsample: (convolution: Convolution, norm: BatchNorm)?

        init(
            _ backend: any Backend, inChannels: Int, channels: Int, stride: Int, _ architecture: Architecture,
            zeroInit: Bool
        ) {
            let outChannels = channels * architecture.expansion
            let windows =
                architecture.hasBottlenecks
                ? [Window(size: 1), Window(size: 3, stride: stride, padding: 1), Window(size: 1)]
                : [Window(size: 3, stride: stride, padding: 1), Window(size: 3, padding: 1)]
            var input = inChannels
            let last = windows.count - 1
            convolutions = windows.enumerated().map { index, window in
                let output = index == last ? outChannels : channels
                defer { input = output }
                return Convolution(backend, input, output, window)
            }
            norms = windows.indices.map { index in
                BatchNorm(
                    backend, index == last ? outChannels : channels, zeroInitialised: zeroInit && index == last)
            }
            downsample =
                stride == 1 && inChannels == outChannels
                ? nil
                : (
                    Convolution(backend, inChannels, outChannels, Window(size: 1, stride: stride)),
                    BatchNorm(backend, outChannels)
                )
        }

        func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
            for index in convolutions.indices {
                try convolutions[index].forEachState("\(prefix)conv\(index + 1).", body)
                try norms[index].forEachState("\(prefix)bn\(index + 1).", body)
            }
            if let downsample {
                try downsample.convolution.forEachState(prefix + "downsample.0.", body)
                try downsample.norm.forEachState(prefix + "downsample.1.", body)
            }
        }

        func callAsFunction(_ x: Variable, _ pass: Pass) -> Variable {
            let shortcut = downsample.map { $0.norm($0.convolution(x, pass), pass) } ?? x
            var y = x
            for index in convolutions.indices.dropLast() {
                y = norms[index](convolutions[index](y, pass), relu: true, pass)
            }
            let last = convolutions.count - 1
            return norms[last](convolutions[last](y, pass), residual: shortcut, relu: true, pass)
        }
    }
}
