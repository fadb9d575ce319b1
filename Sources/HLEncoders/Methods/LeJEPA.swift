import HLCompute
import HLNet
import HLTensor

/// LeJEPA (Balestriero & LeCun 2025; rbalestr-lab/lejepa): the views of a sample predict their mean, and SIGReg keeps the
/// embeddings of each view at N(0, I); no negatives, no teacher, no stop-gradient.
///
/// It is the form of the authors' minimal code, not that of the paper's text (`LeJEPALoss` says how they differ). The head
/// is theirs, torchvision's MLP: Linear–BN–ReLU, Linear–BN–ReLU, Linear, F → 2048 → 2048 → 16. The directions are drawn anew
/// in every step. Views are rendered alike, without their small local crops, and each is a batch of its own for batch norm;
/// theirs has one in the head alone, over all views.
package final class LeJEPA: EncoderMethod {
    package let backbone: ResNet
    package let objective: LeJEPALoss
    /// Views of a sample, its anchor and the positives.
    package let views: Int
    /// Directions along which a step looks.
    package let slices: Int
    private let hidden: [(linear: Linear, norm: BatchNorm)]
    private let output: Linear
    private let clock = Clock()
    private let seed: UInt64

    package var passesPerStep: Int { views }
    package var trainingState: (any Module)? { clock }

    /// - Parameters:
    ///   - dimension: length of the embeddings.
    ///   - width: of the hidden layers of the head.
    ///   - views: at least 2.
    ///   - seed: decides the directions.
    package init(
        _ backend: any Backend, backbone: ResNet, dimension: Int = 16, width: Int = 2048, views: Int,
        slices: Int = 256, seed: UInt64, objective: LeJEPALoss = LeJEPALoss()
    ) {
        self.backbone = backbone
        self.objective = objective
        self.views = views
        self.slices = slices
        self.seed = seed
        hidden = [backbone.featureCount, width].map { (Linear(backend, $0, width), BatchNorm(backend, width)) }
        output = Linear(backend, width, dimension)
    }

    /// Names are those of the minimal code's `proj`, where layers that drop nothing out have numbers too.
    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try backbone.forEachState(prefix + "backbone.", body)
        for (index, layer) in hidden.enumerated() {
            try layer.linear.forEachState("\(prefix)proj.\(4 * index).", body)
            try layer.norm.forEachState("\(prefix)proj.\(4 * index + 1).", body)
        }
        try output.forEachState(prefix + "proj.8.", body)
    }

    package func begin() { clock.steps.value = 0 }

    package func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        var z = backbone(images, pass)
        for layer in hidden { z = layer.norm(layer.linear(z, pass), relu: true, pass) }
        z = output(z, pass)
        let directions = directions(step: Int(clock.steps.value), count: z.shape[1], pass.backend)
        // The distribution is that of all samples: every rank computes the whole loss.
        let parts = objective.apply(
            pass.gatherRows(z, parts: views), views: views, directions: directions, pass)
        return EncoderLoss(
            terms: [(parts.prediction, 1 - objective.trade), (parts.statistics, objective.trade)], projections: z.value)
    }

    package func stepDone() { clock.steps.value &+= 1 }

    /// Random directions in so many dimensions, [slices, count], of unit length.
    private func directions(step: Int, count: Int, _ backend: any Backend) -> Tensor {
        let key = RandomKey(seed: seed, purpose: .slices, epoch: step)
        return backend.normaliseRows(backend.normals((0..<slices).map { key.sequence(id: Int64($0)) }, count: count))
            .output
    }

    /// The steps that were done.
    private final class Clock: Module {
        let steps = Counter()

        func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
            try body(prefix + "sigreg.steps", .counter(steps))
        }
    }
}

extension LeJEPA {
    /// Decay and floor are those that the authors recommend for ResNets; the rest is the minimal code's.
    package static let description = MethodDescription(
        name: "lejepa", summary: "the views of a sample predict their mean, and embeddings are kept normal by SIGReg",
        source: "Balestriero & LeCun 2025, as their minimal code has it",
        options: [
            .positives(default: 3),
            MethodOption(
                "lambda", "share of SIGReg in the loss, the rest is prediction", .numbers(0...1),
                default: .number(0.02)),
            MethodOption(
                "slices", "random directions along which SIGReg looks in a step", .integers(from: 1, to: 65_536),
                default: .integer(256)),
            MethodOption(
                "projection", "length of the embeddings that the loss sees", .integers(from: 1, to: 65_536),
                default: .integer(16)),
        ],
        rate: 0.002, decay: 5e-4, optimiser: .adamW, warmupPercent: 1, floor: 0.001, views: .anchorAndPositives,
        make: {
            LeJEPA(
                $0.backend, backbone: $0.backbone, dimension: $0.values.integer("projection"), views: $0.views,
                slices: $0.values.integer("slices"), seed: $0.seed,
                objective: LeJEPALoss(trade: $0.values.number("lambda")))
        })
}
