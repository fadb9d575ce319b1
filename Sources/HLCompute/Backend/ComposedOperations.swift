import HLTensor

/// The operations of a backend that have a default, composed of the primitives of `Backend` (`Backend+….swift`).
///
/// A default is right and slow. It needs no more than it is given: no loop over values, and a copy to the host only
/// where its comment says so. Those of generators (`Backend+Generators`) are F32: a backend that takes BF16 brings its own.
package protocol ComposedOperations: AnyObject {
    // MARK: Several processes

    /// Exchanges between the backends of the processes that the communicator connects.
    func ranks(over communicator: any Communicator) -> any Ranks

    // MARK: Kind

    /// What results depend on, such as libraries and threads: the same on all ranks of one training. `summary` by default.
    var kind: String { get }

    // MARK: TF32

    /// Whether convolutions of F32 can round what they multiply to TF32: on cards alone.
    var hasTF32: Bool { get }

    /// Whether those that are enqueued from now on do. A backend that has no TF32 stays with false.
    var roundsToTF32: Bool { get set }

    // MARK: Memory

    /// A tensor with the values of a host tensor, F32, U8 or I32.
    func tensor(_ host: HostTensor) -> Tensor

    /// A copy.
    func copy(_ source: Tensor) -> Tensor

    /// Promises that a weight keeps its values from now on, so that the backend may hold it in the layout that its
    /// first use wants, and nothing else.
    func freeze(_ weight: Tensor)

    /// Tensors of one type and row shape, one below the other.
    func concatenate(_ parts: [Tensor]) -> Tensor

    // MARK: Normalisation (x: [B, C, H, W] or [B, C]; per-channel vectors: [C])

    /// Batch normalisation by the batch's own statistics, then `residual` added and ReLU taken where asked. The batch is
    /// `groups` equal parts with statistics of their own, as in so many forward passes. `running` is updated once per
    /// group, in order, with PyTorch's momentum and unbiased variance.
    /// - Parameter ranks: whose groups of one number are one group: the statistics are those of all of them together.
    func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        residual: Tensor?, relu: Bool, over ranks: (any Ranks)?
    ) -> (output: Tensor, statistics: BatchStatistics)

    /// The way back of `gradient`, or of the sum of it and `addend`. `relu` is needed where ReLU was taken. The memory of
    /// `gradient` may become that of a result: nobody else may keep it. Gradients of scale and shift are those of this rank's samples.
    func batchNormBackward(
        _ gradient: Tensor, adding addend: Tensor?, input: Tensor, relu: ReLUMask?, weight: Tensor?,
        statistics: BatchStatistics,
        wantsResidual: Bool
    ) -> BatchNormGradients

    /// Maxima over windows of ReLU(norm(x)) of [B, C, H, W], by the batch's own statistics, and where each came from, as by
    /// `batchNorm` and `maxPool`; what lies between need not be kept.
    func batchNormMaxPool(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        window: Window, over ranks: (any Ranks)?
    ) -> (output: Tensor, chosen: Tensor, statistics: BatchStatistics)

    /// The way back through `batchNormMaxPool`, whose output and choices these are. No residual.
    func batchNormMaxPoolBackward(
        _ gradient: Tensor, output: Tensor, chosen: Tensor, input: Tensor, weight: Tensor?,
        statistics: BatchStatistics, window: Window
    ) -> BatchNormGradients

    /// The same by fixed statistics (evaluation mode).
    func batchNormInference(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics, epsilon: Float, residual: Tensor?,
        relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics)

    /// y = max(0, x̂ · gain + shift) of [B, C, H, W], x̂ normalised by the batch's own statistics, gain and shift per sample and
    /// channel, [B, C] (Brock et al. 2019, appendix B.4). `running` is updated as by `batchNorm`.
    /// - Parameter ranks: whose batches are one batch: the statistics are those of all of them together.
    func conditionalNorm(
        _ x: Tensor, gain: Tensor, shift: Tensor, running: RunningStatistics?, epsilon: Float, over ranks: (any Ranks)?
    ) -> (output: Tensor, statistics: BatchStatistics)

    /// The way back through `conditionalNorm`.
    func conditionalNormBackward(
        _ gradient: Tensor, input: Tensor, gain: Tensor, shift: Tensor, statistics: BatchStatistics
    ) -> ConditionalNormGradients

    /// y = x / max(|x|, 1e-12) per row of [B, d], with the norms [B].
    func normaliseRows(_ x: Tensor) -> (output: Tensor, norms: Tensor)

    /// The way back through `normaliseRows`: (g − y (g · y)) / norm per row.
    func normaliseRowsBackward(_ gradient: Tensor, output: Tensor, norms: Tensor) -> Tensor

    // MARK: Pooling and matrices

    /// The mean over all positions, [B, C, H, W] → [B, C].
    func averagePool(_ x: Tensor) -> Tensor

    /// The way back through `averagePool`, F32 or BF16.
    func averagePoolBackward(_ gradient: Tensor, inputShape: [Int], type: ElementType) -> Tensor

    /// x Wᵀ, [B, in] × [out, in], with each row of the result from its own row of x alone, to the bit: what is applied to
    /// samples one by one must not depend on which of them came together. Libraries do not promise that of `matmul`.
    func projectRows(_ x: Tensor, _ weight: Tensor) -> Tensor

    /// Calls `body` with the products of rows, x yᵀ of [m, d] × [n, d], a tile at a time, row-major: statistics of all
    /// pairs need no matrix of all pairs. The bits are the same at any thread count.
    /// - Parameter body: may be called on several threads at once, each time with another tile.
    /// - Throws: as `Backend.read`.
    func forEachTile(
        _ x: Tensor, _ y: Tensor, _ tiling: PairTiling, _ body: (PairTiling.Tile, UnsafePointer<Float>) -> Void) throws

    /// Adds a vector [d] to every row of [B, d], in place.
    func addRowVector(_ vector: Tensor, to matrix: Tensor)

    /// The sums down the columns of [B, d], [d].
    func columnSums(_ matrix: Tensor) -> Tensor

    // MARK: Kernels of 3 × 3 taps and a change of side

    /// A weight [O, I, 3, 3] as a kernel of 4 × 4 taps with stride 2 (`KernelWidening`).
    func widened(_ weight: Tensor, _ widening: KernelWidening) -> Tensor

    /// The way back through `widened`, a gradient of `weightShape`.
    func widenedBackward(_ gradient: Tensor, weightShape: [Int], _ widening: KernelWidening) -> Tensor

    // MARK: Spectral normalisation (weight [out, …] as a matrix of `out` rows)

    /// A weight divided by its largest singular value, as one step of the power iteration from the left singular vector
    /// `left` [1, out] sees it (Miyato et al. 2018): v = norm(u W), u' = norm(v Wᵀ), σ = v Wᵀ u'ᵀ, where norm divides by
    /// max(|x|, ε).
    func spectralNorm(_ weight: Tensor, left: Tensor, epsilon: Float) -> SpectralNormalisation

    /// The way back, u' and v held constant: a gradient of the weight's shape, from that with regard to weight / σ.
    func spectralNormBackward(_ gradient: Tensor, _ normalisation: SpectralNormalisation) -> Tensor

    // MARK: Depthwise convolution (x [B, C, H, W], weight [C, 1, k, k])

    /// Every channel convolved by a kernel of its own, y [B, C, H', W'].
    func depthwiseConvolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor

    /// Gradient with regard to x, whose shape is given.
    func depthwiseInputGradient(_ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window) -> Tensor

    /// Gradient with regard to the weight, [C, 1, k, k].
    func depthwiseWeightGradient(_ gradient: Tensor, input: Tensor, window: Window) -> Tensor

    // MARK: Generators (x: [B, C, H, W] or [B, C])

    /// large += small upsampled to twice its side by nearest neighbours, in place.
    func addUpsampled(_ small: Tensor, to large: Tensor)

    /// Twice the side by nearest neighbours.
    func upsampled(_ small: Tensor) -> Tensor

    /// The adjoint of both: sums over squares of 2 × 2.
    func sumSquares(_ large: Tensor) -> Tensor

    /// Twice the side by zero insertion and a filter of 4 × 4 taps.
    func filterUpsampled(_ x: Tensor, _ filter: UpsamplingFilter) -> Tensor

    /// The way back through `filterUpsampled`.
    func filterUpsampledBackward(_ gradient: Tensor, _ filter: UpsamplingFilter) -> Tensor

    /// y[n] = Σ taps[k] x[n + k − offset] along both sides of square activations, with four taps; [B, C, outputSide,
    /// outputSide].
    func filter(_ x: Tensor, taps: [Float], offset: Int, outputSide: Int) -> Tensor

    /// A 1 × 1 convolution with weights per sample, [B, O, C], O at most 4; row-major [B, O, H, W].
    func mixChannels(_ x: Tensor, weights: Tensor) -> Tensor

    /// The way back through `mixChannels`.
    func mixChannelsBackward(_ gradient: Tensor, input: Tensor, weights: Tensor) -> (input: Tensor, weights: Tensor)

    /// Channels `range`; a row-major copy.
    func channels(_ x: Tensor, _ range: Range<Int>) -> Tensor

    /// The adjoint: a tensor of `shape`, zero but for channels start….
    func placeChannels(_ gradient: Tensor, in shape: [Int], at start: Int) -> Tensor

    /// Σ over keys of softmax(queryᵀ key) value, [B, e, N], of query [B, d, N], key [B, d, M] and value [B, e, M], all
    /// row-major with any shape behind the channels.
    func attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor

    /// The way back through `attention`.
    func attentionBackward(_ gradient: Tensor, query: Tensor, key: Tensor, value: Tensor)
        -> (query: Tensor, key: Tensor, value: Tensor)

    /// Samples that a network which makes images of `side` pixels renders at a time. The order of summation may depend
    /// on it, so that it is a function of the side alone.
    func renderBatch(side: Int) -> Int

    /// Samples of such a network whose activations may be kept for the way back; more are rendered twice.
    func recordedSamples(side: Int) -> Int

    /// Standard normal values [B, count]: row i holds the first `count` of sequence i, one a word, by inverting the
    /// distribution function, the same on every backend to rounding.
    func normals(_ sequences: [RandomSequence], count: Int) -> Tensor

    // MARK: The built-in generator (z: [B, …] of 6 · 20 values a row)

    /// Images of `shapes` [B, 3, S, S], F32 0…1, or U8 as `roundPixels` makes them. The pixels are the same to the bit on
    /// every backend.
    /// - Parameters:
    ///   - side: S, 16 to 512.
    ///   - clean: whether defects are left out.
    func renderShapes(_ z: Tensor, side: Int, clean: Bool, as type: ElementType) -> Tensor

    /// The way back through `renderShapes`, from a gradient [B, 3, S, S]: of z's shape. It goes through everything but the
    /// decision whether a sample is defective.
    func renderShapesBackward(_ gradient: Tensor, z: Tensor, clean: Bool) -> Tensor

    // MARK: Pixels

    /// F32 0…1 as U8 0…255: round(255 x), cut off at both ends; NaN becomes 0.
    func roundPixels(_ x: Tensor) -> Tensor

    /// T_x of a batch: crop, resize to `size`, flip, colour, grey, blur, and (value − mean) / deviation, F32
    /// [B, 3, size, size]. A result depends on its own image and parameters alone.
    /// - Parameters:
    ///   - images: U8 (0…255) or F32 (0…1), [B, 3, H, W].
    ///   - parameters: B entries that fit images of this size, drawn on the host.
    ///   - mean, deviation: of R, G and B, on the scale 0…1.
    func augment(
        _ images: Tensor, _ parameters: [AugmentationParameters], size: Int, mean: [Float], deviation: [Float]
    ) -> Tensor

    /// The way back through `augment` for parameters that crop to `size` without resizing, and do nothing else: a gradient
    /// of `imageShape`, 0 outside the crops.
    func augmentBackward(
        _ gradient: Tensor, _ parameters: [AugmentationParameters], imageShape: [Int], deviation: [Float]
    ) -> Tensor

    /// Differentiable augmentation (Zhao et al. 2020) and mirroring of images, values 0…1 (U8: 0…255) becoming −1…1, F32
    /// [B, 3, S, S].
    func augmentDifferentiably(_ images: Tensor, _ parameters: [DifferentiableAugmentation]) -> Tensor

    /// The way back through `augmentDifferentiably`, with regard to images 0…1.
    func augmentDifferentiablyBackward(_ gradient: Tensor, _ parameters: [DifferentiableAugmentation]) -> Tensor

    // MARK: Sums and losses

    /// target += source, in place.
    func accumulate(_ source: Tensor, into target: Tensor)

    /// target = decay · target + (1 − decay) · source, in place; a decay of 0 copies.
    func average(_ source: Tensor, into target: Tensor, decay: Float)

    /// −cos(p, z) per row of [B, d] with z held constant, [B], and its gradient with regard to p, times `weight`.
    func negativeCosine(_ p: Tensor, _ z: Tensor, weight: Float) -> (losses: Tensor, gradient: Tensor)

    /// Σ (a − b)² of every entry of the first dimension, [B].
    func squaredDistances(_ a: Tensor, _ b: Tensor) -> Tensor

    /// How far the columns of [G · N, M] are from N(0, 1), in each of the G groups of N rows by itself: the statistic of Epps
    /// and Pulley, N ∫ |φ̂(t) − exp(−t²/2)|² exp(−t²/2) dt over −limit … limit, φ̂ the empirical characteristic
    /// function, [G, M], and the gradient of weight · Σ statistics, [G · N, M].
    /// - Parameters:
    ///   - limit: where the integral ends, above 0.
    ///   - knots: from 0 to `limit`, of the trapezoidal rule; 2 to 64.
    func eppsPulley(_ x: Tensor, groups: Int, limit: Float, knots: Int, weight: Float)
        -> (statistics: Tensor, gradient: Tensor)

    // MARK: Optimisers (in place, all parameters of a step in one call)

    /// SGD with momentum and L2 decay (torch.optim.SGD): v = momentum v + (g + decay w), w −= rate v.
    func sgd(_ updates: [SGDUpdate], rate: Float, momentum: Float)

    /// Momentum on the gradient with its decay, scaled by `trust` · |weight| / |gradient + decay · weight| where neither
    /// is zero and the update is to be adapted (You et al. 2017, in the form of BYOL's code: the rate comes behind the momentum).
    func lars(_ updates: [SGDUpdate], rate: Float, momentum: Float, trust: Float)

    /// Adam (torch.optim.Adam), for updates with a decay AdamW (torch.optim.AdamW), in step `step`, counted from 1.
    func adam(_ updates: [AdamUpdate], step: Int, rate: Float, beta1: Float, beta2: Float, epsilon: Float)
}

/// A parameter's part in a step of SGD or LARS: tensors of one shape; weight and velocity are updated in place.
package final class SGDUpdate {
    /// What is trained.
    package let weight: Tensor
    private var gradient: Tensor?
    /// Momentum's memory.
    package let velocity: Tensor
    /// L2 decay.
    package let decay: Float
    /// Whether LARS scales its gradient; SGD does not ask.
    package let isAdapted: Bool

    /// A part with that decay.
    package init(weight: Tensor, gradient: Tensor, velocity: Tensor, decay: Float, isAdapted: Bool = true) {
        self.weight = weight
        self.gradient = gradient
        self.velocity = velocity
        self.decay = decay
        self.isAdapted = isAdapted
    }

    /// dL/dweight, once: its memory is free again as soon as the weight has been updated. With all gradients kept to the
    /// end of a step, weights and state that take on another layout would find no place between the activations' blocks.
    package func takeGradient() -> Tensor {
        defer { gradient = nil }
        guard let gradient else { preconditionFailure("a gradient is taken once") }
        return gradient
    }
}

/// A parameter's part in a step of Adam or AdamW: tensors of one shape; weight and moments are updated in place.
package final class AdamUpdate {
    /// What is trained.
    package let weight: Tensor
    private var gradient: Tensor?
    /// Running mean of the gradient.
    package let first: Tensor
    /// Running mean of its square.
    package let second: Tensor
    /// AdamW's decay: before the step the weight loses rate · decay of itself. The gradient has no part in it.
    package let decay: Float

    /// A part with these moments.
    package init(weight: Tensor, gradient: Tensor, first: Tensor, second: Tensor, decay: Float = 0) {
        self.weight = weight
        self.gradient = gradient
        self.first = first
        self.second = second
        self.decay = decay
    }

    /// What is left of the weight, 1 − rate · decay.
    package func kept(rate: Float) -> Float { Float(1 - Double(rate) * Double(decay)) }

    /// dL/dweight, once, as `SGDUpdate.takeGradient`.
    package func takeGradient() -> Tensor {
        defer { gradient = nil }
        guard let gradient else { preconditionFailure("a gradient is taken once") }
        return gradient
    }
}
