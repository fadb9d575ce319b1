import HLCompute
import HLNet
import HLTensor

/// MoCo v2 (Chen et al. 2020; facebookresearch/moco): a query, from view 1, is told its key, which a slowly following
/// encoder makes of view 2, from the keys of earlier batches. One direction only, as published.
///
/// Head Linear–ReLU–Linear that keeps the backbone's width (2048–2048–128 for ResNet-50); the encoder has no batch norm
/// there.
///
/// Batch norm must not tell queries their keys by the statistics that both share. The published code has it run on each of
/// eight GPUs by itself, on 32 samples, with the keys shuffled over the GPUs. Here parts of a batch take the GPUs' place:
/// as many as have 32 samples or more each. Below 64 samples there is one, and nothing to shuffle. Where several processes
/// train, each has such parts, keys are shuffled over all of them, and all queues are the same.
package final class MoCo: EncoderMethod {
    /// Samples of a batch that share batch-norm statistics, where there are enough: those of one GPU as published.
    package static let groupSize = 32

    package let passesPerStep: Int
    package let objective: MomentumContrastLoss
    private let encoder: EmbeddingNetwork
    private let memory: Memory
    private let momentum: Float
    private let seed: UInt64

    package var backbone: ResNet { encoder.backbone }
    package var trainingState: (any Module)? { memory }
    /// The momentum encoder.
    package var keyEncoder: MomentumEncoder { memory.encoder }
    package var queue: KeyQueue { memory.queue }

    /// - Parameters:
    ///   - dimension: length of queries and keys.
    ///   - queue: keys that are kept, K; at least one batch.
    ///   - momentum: m of the key encoder.
    ///   - groups: equal parts of a batch with batch-norm statistics of their own.
    ///   - seed: decides the first keys, and which parts keys are in.
    package init(
        _ backend: any Backend, backbone: ResNet, dimension: Int = 128, queue: Int = 65_536, momentum: Float = 0.999,
        groups: Int = 1, seed: UInt64, objective: MomentumContrastLoss = MomentumContrastLoss()
    ) {
        encoder = EmbeddingNetwork(
            backend, backbone: backbone, headName: "head",
            MLPHead.Shape(
                inputs: backbone.featureCount, hidden: backbone.featureCount, outputs: dimension, isNormalised: false))
        memory = Memory(
            encoder: MomentumEncoder(of: encoder, on: backend),
            queue: KeyQueue(backend, count: queue, dimension: dimension))
        self.momentum = momentum
        self.seed = seed
        self.objective = objective
        passesPerStep = groups
    }

    /// Parts of each rank's samples of a batch: where each normalises by itself, the most that have `groupSize` samples or
    /// more; where they do so together, those of the whole batch, as far as they divide a rank's samples.
    package static func groups(batch: Int, ranks: Int, _ scope: BatchNormScope) -> Int {
        let own = batch / ranks, all = groups(batch: batch)
        return scope == .local ? groups(batch: own) : (1...all).last { own % $0 == 0 } ?? 1
    }

    /// The most equal parts of a batch that have `groupSize` samples or more; 1 for smaller batches.
    package static func groups(batch: Int) -> Int {
        (1...max(1, batch / groupSize)).last { batch % $0 == 0 } ?? 1
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try encoder.forEachState(prefix, body)
    }

    package func begin() {
        keyEncoder.copyOnline()
        queue.fill(seed: seed)
    }

    package func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss {
        let backend = pass.backend, count = images.shape[0] / 2
        let keys = keys(of: backend.rows(images.value, count..<2 * count), pass)
        let queries = Variable(backend.rows(images.value, 0..<count))
        let q = pass.normaliseRows(encoder(queries, pass))
        let own = pass.ranks.map { backend.rows(keys, $0.rank * count..<($0.rank + 1) * count) } ?? keys
        let rows = objective.apply(q, keys: own, queue: queue.keys, pass)
        queue.add(keys)
        return EncoderLoss(rows: rows, factor: 1, projections: q.value)
    }

    /// The published code follows at the start of the next step, which comes to the same.
    package func stepDone() { keyEncoder.follow(momentum: momentum) }

    /// Keys of unit length, [N, d], in the order of the images; of all ranks, in rank order.
    private func keys(of images: Tensor, _ pass: Pass) -> Tensor {
        let backend = pass.backend, ranks = pass.ranks
        func encoded(_ images: Tensor) -> Tensor {
            backend.normaliseRows(keyEncoder(images, groups: passesPerStep, like: pass)).output
        }
        func ofAll(_ rows: Tensor) -> Tensor { ranks?.gatherRows(rows) ?? rows }
        let groups = pass.batchNorm == .global ? passesPerStep : pass.overall(passesPerStep)
        guard groups > 1 else { return ofAll(encoded(images)) }
        let count = images.shape[0], whole = pass.overall(count), start = (ranks?.rank ?? 0) * count
        let order = Permutation(count: whole, seed: seed, purpose: .keyOrder, epoch: queue.batches(of: whole))
        func indices(_ places: [Int]) -> Tensor { backend.indices(places.map { Int32($0) }) }
        let mine = backend.rows(ofAll(images), at: indices(order.elements(at: start..<start + count)))
        return backend.rows(ofAll(encoded(mine)), at: indices(order.positions(of: 0..<whole)))
    }

    /// What makes the keys, and those it made.
    private final class Memory: Module {
        let encoder: MomentumEncoder
        let queue: KeyQueue

        init(encoder: MomentumEncoder, queue: KeyQueue) {
            self.encoder = encoder
            self.queue = queue
        }

        func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
            try encoder.forEachState(prefix + "key.", body)
            try queue.forEachState(prefix + "queue.", body)
        }
    }
}

extension MoCo {
    package static let description = MethodDescription(
        name: "moco", summary: "InfoNCE against a queue of keys that a slowly following encoder made",
        source: "MoCo v2, Chen et al. 2020, with their defaults, which are meant for hundreds of epochs",
        options: [
            .temperature(default: 0.2), .targetMomentum(default: 0.999),
            MethodOption(
                "queue", "keys in the queue, at least one batch", .integers(from: 2, to: 1_048_576),
                default: .integer(65_536)),
        ],
        rate: 0.03, weighsPairs: true,
        // It starts from torchvision's own ResNet.
        zeroInitResidual: false, batchNorm: .local,
        check: { values, batch in
            let queue = values.integer("queue")
            guard queue >= batch else {
                throw Failure(
                    .usage, "a queue of \(queue) keys does not hold one batch of \(batch)",
                    "raise --queue or lower --batch")
            }
        },
        make: {
            MoCo(
                $0.backend, backbone: $0.backbone, queue: $0.values.integer("queue"),
                momentum: $0.values.number("target-momentum"),
                groups: MoCo.groups(batch: $0.batch, ranks: $0.ranks, $0.batchNorm), seed: $0.seed,
                objective: MomentumContrastLoss(temperature: $0.values.number("temperature")))
        })
}
