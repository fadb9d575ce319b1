import Glibc
import HLCompute
import HLNet
import HLTensor

/// BYOL (Grill et al. 2020; deepmind-research/byol): predictions of the online network are drawn to the projections that
/// a slowly following target network makes of the other view.
///
/// Projector and predictor are Linear–BN–ReLU–Linear, F → 4096 → 256 and 256 → 4096 → 256, the last layer without bias.
/// Each view is a batch of its own for batch norm, in both networks. The target's momentum rises over the run as
/// 1 − (1 − τ)(cos(πk/K) + 1)/2 in step k of K.
///
/// The target starts as a copy of the online network. The published code draws it anew, without a notable difference to
/// its authors.
package final class BYOL: EncoderMethod {
    package let passesPerStep = 2
    private let online: EmbeddingNetwork
    private let predictor: MLPHead
    private let memory: Memory
    private let baseMomentum: Double
    private let steps: Int

    package var backbone: ResNet { online.backbone }
    package var trainingState: (any Module)? { memory }
    /// The momentum encoder.
    package var target: MomentumEncoder { memory.target }

    /// - Parameters:
    ///   - dimension: length of projections and predictions.
    ///   - hidden: width of the hidden layers of projector and predictor.
    ///   - momentum: τ, that of the first step.
    ///   - steps: K, those of the whole run.
    package init(
        _ backend: any Backend, backbone: ResNet, dimension: Int = 256, hidden: Int = 4096, momentum: Float = 0.996,
        steps: Int
    ) {
        online = EmbeddingNetwork(
            backend, backbone: backbone, headName: "projector",
            MLPHead.Shape(inputs: backbone.featureCount, hidden: hidden, outputs: dimension, isNormalised: true))
        predictor = MLPHead(
            backend, MLPHead.Shape(inputs: dimension, hidden: hidden, outputs: dimension, isNormalised: true))
        memory = Memory(MomentumEncoder(of: online, on: backend))
        baseMomentum = Double(momentum)
        self.steps = steps
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try online.forEachState(prefix, body)
        try predictor.forEachState(prefix + "predictor.", body)
    }

    package func begin() {
        target.copyOnline()
        memory.updates.value = 0
    }

    package func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        let targets = target(images.value, groups: pass.groups, like: pass)
        let z = online(images, pass)
        let rows = BYOLLoss.apply(predictor(z, pass), targets: targets, pass)
        return EncoderLoss(rows: rows, factor: BYOLLoss.factor, projections: z.value)
    }

    package func stepDone() {
        target.follow(momentum: momentum(step: Int(memory.updates.value)))
        memory.updates.value &+= 1
    }

    /// The target's momentum behind step `step`, counted from 0.
    package func momentum(step: Int) -> Float {
        let progress = Double(min(step, steps)) / Double(max(1, steps))
        return Float(1 - (1 - baseMomentum) * (cos(Double.pi * progress) + 1) / 2)
    }

    /// The target, and how often it has followed.
    private final class Memory: Module {
        let target: MomentumEncoder
        let updates = Counter()

        init(_ target: MomentumEncoder) { self.target = target }

        func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
            try target.forEachState(prefix + "target.", body)
            try body(prefix + "target.updates", .counter(updates))
        }
    }
}

extension BYOL {
    package static let description = MethodDescription(
        name: "byol", summary: "predictions of what a slowly following network makes of the other view",
        source: "Grill et al. 2020, with their defaults, which are meant for hundreds of epochs",
        options: [.targetMomentum(default: 0.996)], rate: 0.2, decay: 1.5e-6, optimiser: .lars,
        // 10 epochs of 1000.
        warmupPercent: 1, weighsPairs: true,
        make: {
            BYOL(
                $0.backend, backbone: $0.backbone, momentum: $0.values.number("target-momentum"), steps: $0.steps)
        })
}
