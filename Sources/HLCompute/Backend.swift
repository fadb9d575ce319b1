import HLTensor

/// The one seam to the hardware: everything the networks need, and nothing about where it runs.
///
/// Operations are enqueued in program order and return at once; only `read` waits. An operation that fails leaves its
/// error with the backend, and the next `read` throws it, so that network code stays free of error handling and a
/// device with its own queue can live behind the same protocol. Shapes that do not fit are programming errors and trap.
///
/// The two inhabitants are `PlainBackend` (OpenBLAS alone, im2col; the reference) and `OneDNNBackend` (oneDNN's
/// convolutions in blocked layouts). They share `CPUBackend`.
package protocol Backend: AnyObject {
    /// Library, version, instruction set and threads, for people.
    var summary: String { get }
    /// Threads in all, at least 1, also for what is computed on the host beside it.
    var threads: Int { get }

    // MARK: Memory

    /// A tensor with the values of an F32 host tensor.
    func tensor(_ host: HostTensor) -> Tensor
    func constant(_ value: Float, shape: [Int]) -> Tensor
    /// Row-major values, after everything enqueued so far is done.
    /// - Throws: the first error of any operation since the last `read`.
    func read(_ tensor: Tensor) throws -> HostTensor
    /// Overwrites `target`, of the same shape, in place.
    func assign(_ host: HostTensor, to target: Tensor)
    func copy(_ source: Tensor) -> Tensor
    /// Promises that a weight keeps its values from now on, so that the backend may hold it in the layout that its
    /// first use wants, and nothing else.
    func freeze(_ weight: Tensor)

    // MARK: Convolution (x: [B, I, H, W], weight: [O, I, k, k])

    /// y: [B, O, H', W'].
    func convolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor
    /// Gradient with regard to x, whose shape is given.
    func convolutionInputGradient(_ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window) -> Tensor
    /// Gradient with regard to the weight, whose shape is given.
    func convolutionWeightGradient(_ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window) -> Tensor

    // MARK: Normalisation (x: [B, C, H, W] or [B, C]; per-channel vectors: [C])

    /// Batch normalisation by the batch's own statistics, then `residual` added and ReLU taken where asked. The batch is
    /// `groups` equal parts with statistics of their own, as in so many forward passes. `running` is updated once per
    /// group, in order, with PyTorch's momentum and unbiased variance.
    func batchNorm(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        residual: Tensor?, relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics)

    /// The way back. `output` is needed where ReLU was taken.
    func batchNormBackward(
        _ gradient: Tensor, input: Tensor, output: Tensor?, weight: Tensor?, statistics: BatchStatistics,
        wantsResidual: Bool
    ) -> BatchNormGradients

    /// The same by fixed statistics (evaluation mode).
    func batchNormInference(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics, epsilon: Float, residual: Tensor?,
        relu: Bool
    ) -> (output: Tensor, statistics: BatchStatistics)

    /// y = x / max(|x|, 1e-12) per row of [B, d], with the norms [B].
    func normaliseRows(_ x: Tensor) -> (output: Tensor, norms: Tensor)
    func normaliseRowsBackward(_ gradient: Tensor, output: Tensor, norms: Tensor) -> Tensor

    // MARK: Pooling

    func maxPool(_ x: Tensor, window: Window) -> (output: Tensor, chosen: Tensor)
    func maxPoolBackward(_ gradient: Tensor, chosen: Tensor, inputShape: [Int], window: Window) -> Tensor
    /// [B, C, H, W] → [B, C].
    func averagePool(_ x: Tensor) -> Tensor
    func averagePoolBackward(_ gradient: Tensor, inputShape: [Int]) -> Tensor

    // MARK: Matrices

    /// op(a) op(b), [m, k] × [k, n].
    func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor
    /// x Wᵀ, [B, in] × [out, in], with each row of the result from its own row of x alone, to the bit: what is applied to
    /// samples one by one must not depend on which of them came together. Libraries do not promise that of `matmul`.
    func projectRows(_ x: Tensor, _ weight: Tensor) -> Tensor
    /// Adds a vector [d] to every row of [B, d], in place.
    func addRowVector(_ vector: Tensor, to matrix: Tensor)
    func columnSums(_ matrix: Tensor) -> Tensor
    /// Columns `range` of [B, d]; a copy.
    func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor
    /// target[:, start...] += source, [B, e] into [B, d].
    func addColumns(_ source: Tensor, into target: Tensor, at start: Int)
    /// Entries `range` of the first dimension; a copy.
    func rows(_ x: Tensor, _ range: Range<Int>) -> Tensor
    /// Entries `indices` of the first dimension, in that order; a copy.
    func rows(_ x: Tensor, at indices: [Int]) -> Tensor
    /// target[start...] = source along the first dimension, in place.
    func assignRows(_ source: Tensor, to target: Tensor, at start: Int)
    /// Matrices or images of one row shape, one below the other.
    func concatenate(_ parts: [Tensor]) -> Tensor

    /// The same values, row-major, under another shape.
    func reshaped(_ x: Tensor, _ shape: [Int]) -> Tensor

    // MARK: Generators (x: [B, C, H, W] or [B, C])

    /// y = act(x · scale + shift + noise) · gain, where x may be the phases of an upsampling convolution.
    func modulate(_ x: Tensor, _ modulation: Modulation) -> Tensor
    func modulateBackward(_ gradient: Tensor, input: Tensor, _ modulation: Modulation) -> ModulationGradients
    /// large += small upsampled to twice its side by nearest neighbours, in place.
    func addUpsampled(_ small: Tensor, to large: Tensor)
    /// The adjoint: sums over squares of 2 × 2.
    func sumSquares(_ large: Tensor) -> Tensor
    /// Twice the side by zero insertion and a filter of 4 × 4 taps.
    func filterUpsampled(_ x: Tensor, _ filter: UpsamplingFilter) -> Tensor
    func filterUpsampledBackward(_ gradient: Tensor, _ filter: UpsamplingFilter) -> Tensor
    /// y[n] = Σ taps[k] x[n + k − offset] along both sides of square activations, with four taps; [B, C, outputSide,
    /// outputSide].
    func filter(_ x: Tensor, taps: [Float], offset: Int, outputSide: Int) -> Tensor
    /// A 1 × 1 convolution with weights per sample, [B, O, C], O at most 4; row-major [B, O, H, W].
    func mixChannels(_ x: Tensor, weights: Tensor) -> Tensor
    func mixChannelsBackward(_ gradient: Tensor, input: Tensor, weights: Tensor) -> (input: Tensor, weights: Tensor)
    /// Channels `range`; a row-major copy.
    func channels(_ x: Tensor, _ range: Range<Int>) -> Tensor
    /// The adjoint: a tensor of `shape`, zero but for channels start….
    func placeChannels(_ gradient: Tensor, in shape: [Int], at start: Int) -> Tensor
    /// Σ over keys of softmax(queryᵀ key) value, [B, e, N], of query [B, d, N], key [B, d, M] and value [B, e, M], all
    /// row-major with any shape behind the channels.
    func attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor
    func attentionBackward(_ gradient: Tensor, query: Tensor, key: Tensor, value: Tensor)
        -> (query: Tensor, key: Tensor, value: Tensor)
    /// Images 0…1, row-major [B, 3, H, W], from the first three channels.
    func toImage(_ x: Tensor, _ squash: Squash) -> Tensor
    func toImageBackward(_ gradient: Tensor, image: Tensor, inputShape: [Int], _ squash: Squash) -> Tensor
    /// The same linear map along both sides of row-major square images.
    func resample(_ images: Tensor, _ taps: ResampleTaps) -> Tensor

    // MARK: Elementwise

    func multiply(_ a: Tensor, _ b: Tensor) -> Tensor
    /// 1 / √(x + ε)
    func inverseRoot(_ x: Tensor, epsilon: Float) -> Tensor
    func add(_ a: Tensor, _ b: Tensor) -> Tensor
    /// target += source
    func accumulate(_ source: Tensor, into target: Tensor)
    func scale(_ x: Tensor, by factor: Float) -> Tensor
    func relu(_ x: Tensor) -> Tensor
    func reluBackward(_ gradient: Tensor, output: Tensor) -> Tensor
    /// target = decay · target + (1 − decay) · source, in one pass; a decay of 0 copies.
    func average(_ source: Tensor, into target: Tensor, decay: Float)

    // MARK: Losses (each gives the losses per row, [B], and their gradient with regard to the first argument)

    /// Cross-entropy of softmax(scale · logits); a target of −1 leaves a row out, column `excluded[row]` takes no part.
    /// The gradient is that of weight · Σ losses.
    func crossEntropy(_ logits: Tensor, targets: [Int32], excluded: [Int32]?, scale: Float, weight: Float)
        -> (losses: Tensor, gradient: Tensor)
    /// −cos(p, z) with z held constant.
    func negativeCosine(_ p: Tensor, _ z: Tensor, weight: Float) -> (losses: Tensor, gradient: Tensor)

    // MARK: Optimisers (in place; SGD and Adam as torch.optim has them)

    func sgd(_ weight: Tensor, gradient: Tensor, velocity: Tensor, rate: Float, momentum: Float, decay: Float)
    /// Momentum on the gradient with its decay, scaled by `trust` · |weight| / |gradient + decay · weight| where neither
    /// is zero (You et al. 2017, in the form of BYOL's code: the rate comes behind the momentum).
    func lars(
        _ weight: Tensor, gradient: Tensor, velocity: Tensor, rate: Float, momentum: Float, decay: Float, trust: Float)
    func adam(
        _ weight: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: Int, rate: Float, beta1: Float,
        beta2: Float, epsilon: Float)
}

/// Running mean and variance of a batch-norm layer, [C] each, updated in place.
package struct RunningStatistics {
    package let mean: Tensor
    package let variance: Tensor
    package let momentum: Float

    package init(mean: Tensor, variance: Tensor, momentum: Float = 0.1) {
        self.mean = mean
        self.variance = variance
        self.momentum = momentum
    }
}

/// What the way back through a batch norm needs: mean and 1/√(variance + ε) of every group, [groups, C] each.
package struct BatchStatistics {
    package let mean: Tensor
    package let inverseDeviation: Tensor
    package let groups: Int
    /// Whether the statistics depend on the batch, so that gradients flow through them.
    package let ofBatch: Bool
}

package struct BatchNormGradients {
    package let input: Tensor
    package let weight: Tensor
    package let bias: Tensor
    package let residual: Tensor?
}
