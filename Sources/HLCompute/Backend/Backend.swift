import HLTensor

/// The one seam to the hardware: everything the networks need, and nothing about where it runs.
///
/// Operations are enqueued in program order and return at once; only `read` waits. An operation that fails leaves its
/// error with the backend, and the next `read` throws it, so that network code stays free of error handling and a
/// device with its own queue can live behind the same protocol. Shapes that do not fit are programming errors and trap.
///
/// Tensors are F32 unless said otherwise; U8 are pixels and choices, I32 are indices. Operations in place say so.
///
/// Activations [B, C, H, W] and their gradients may be BF16, which `converted` makes: what is computed of them is BF16 as
/// well, each result computed in F32 and rounded once. Weights, their gradients, statistics and matrices are F32.
/// Convolution, all norms over a batch, pooling, ReLU, addition, scaling, modulation, and what generators do to the side
/// of activations take it; images, and channels mixed to a few, are F32 of either.
///
/// The requirements of this file are **primitives**, which a new backend has to bring. Those of `ComposedOperations`
/// are composed of them by default: a backend replaces what it can do faster, one by one, and all are held to the
/// same tests. `Backends` lists the inhabitants.
package protocol Backend: ComposedOperations {
    /// Library, version, instruction set and threads, for people.
    var summary: String { get }

    /// Threads in all, for what is computed on the host beside the device; at least 1.
    var threads: Int { get }

    /// What it makes of BF16 activations.
    var bf16: BF16Support { get }

    // MARK: Memory

    /// A new tensor, F32, U8 or I32, whose values `body` must write completely, row-major.
    func tensor(
        _ type: ElementType, shape: [Int], filling body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows -> Tensor

    /// A tensor of one value.
    func constant(_ value: Float, shape: [Int]) -> Tensor

    /// Row-major values, of the tensor's type (F32 of a BF16 tensor), after everything enqueued so far is done.
    /// - Throws: the first error of any operation since the last `read`.
    func read(_ tensor: Tensor) throws -> HostTensor

    /// Overwrites `target`, of the same shape and type, in place.
    func assign(_ host: HostTensor, to target: Tensor)

    /// Keeps an error, if it is the first, for the next `read`.
    func fail(_ error: Failure)

    /// The same values as F32 or BF16, rounded to the nearest, ties to even; the tensor itself where it is of that type.
    func converted(_ x: Tensor, to type: ElementType) -> Tensor

    // MARK: Rows and columns (any type; the first dimension counts rows)

    /// Entries `range` of the first dimension; a copy.
    func rows(_ x: Tensor, _ range: Range<Int>) -> Tensor

    /// Entries `indices`, I32 [n], of the first dimension, in that order; a copy.
    func rows(_ x: Tensor, at indices: Tensor) -> Tensor

    /// target[start...] = source along the first dimension, in place.
    func assignRows(_ source: Tensor, to target: Tensor, at start: Int)

    /// Columns `range` of [B, d]; a copy.
    func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor

    /// target[:, start...] += source, [B, e] into [B, d], in place.
    func addColumns(_ source: Tensor, into target: Tensor, at start: Int)

    /// The same values, row-major, under another shape.
    func reshaped(_ x: Tensor, _ shape: [Int]) -> Tensor

    // MARK: Products (convolution: x [B, I, H, W], weight [O, I, k, k])

    /// op(a) op(b), [m, k] × [k, n].
    func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor

    /// y: [B, O, H', W'].
    func convolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor

    /// Gradient with regard to x, whose shape is given; also the transposed convolution.
    func convolutionInputGradient(_ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window) -> Tensor

    /// Gradient with regard to the weight, whose shape is given.
    func convolutionWeightGradient(_ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window) -> Tensor

    /// The same linear map along both sides of square images or activations [B, C, H, H], row-major.
    func resample(_ images: Tensor, _ taps: ResampleTaps) -> Tensor

    // MARK: Elementwise, of tensors of one shape

    /// a + b
    func add(_ a: Tensor, _ b: Tensor) -> Tensor

    /// a · b
    func multiply(_ a: Tensor, _ b: Tensor) -> Tensor

    /// factor · x
    func scale(_ x: Tensor, by factor: Float) -> Tensor

    /// 1 / √(x + ε)
    func inverseRoot(_ x: Tensor, epsilon: Float) -> Tensor

    /// max(x, 0)
    func relu(_ x: Tensor) -> Tensor

    /// The gradient where the output is above 0, else 0.
    func reluBackward(_ gradient: Tensor, output: Tensor) -> Tensor

    /// y = act(x · scale + shift + noise) · gain per sample and channel of [B, C, H, W] or [B, C], where x may be the
    /// phases of an upsampling convolution.
    func modulate(_ x: Tensor, _ modulation: Modulation) -> Tensor

    /// The way back through `modulate`.
    func modulateBackward(_ gradient: Tensor, input: Tensor, _ modulation: Modulation) -> ModulationGradients

    /// Images 0…1, row-major [B, 3, H, W], from the first three channels.
    func toImage(_ x: Tensor, _ squash: Squash) -> Tensor

    /// The way back through `toImage`: a gradient of `inputShape`, F32 or BF16, 0 in all further channels.
    func toImageBackward(
        _ gradient: Tensor, image: Tensor, inputShape: [Int], type: ElementType, _ squash: Squash
    ) -> Tensor

    // MARK: Pooling and softmax

    /// Maxima of windows of [B, C, H, W], and which of its positions each came from, U8; the first of equals.
    func maxPool(_ x: Tensor, window: Window) -> (output: Tensor, chosen: Tensor)

    /// The way back through `maxPool`.
    func maxPoolBackward(_ gradient: Tensor, chosen: Tensor, inputShape: [Int], window: Window) -> Tensor

    /// Softmax of every row of [B, d].
    func softmaxRows(_ x: Tensor) -> Tensor

    /// The way back: y ∘ (g − Σ g ∘ y) per row, of the softmax y.
    func softmaxRowsBackward(_ gradient: Tensor, output: Tensor) -> Tensor

    /// Cross-entropy of softmax(scale · logits) per row, [B], and its gradient with regard to the logits [B, C], that of
    /// weight · Σ losses.
    /// - Parameters:
    ///   - targets: I32 [B]; −1 leaves a row out.
    ///   - excluded: I32 [B]: column `excluded[row]` takes no part.
    func crossEntropy(_ logits: Tensor, targets: Tensor, excluded: Tensor?, scale: Float, weight: Float)
        -> (losses: Tensor, gradient: Tensor)
}
