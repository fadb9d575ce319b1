import HLTensor

/// What an engine may ask of the backend that it convolves for: memory, layouts, and a place for errors.
package protocol ConvolutionHost: AnyObject {
    /// Threads in all.
    var threads: Int { get }
    /// A tensor of that shape, whose values are undefined.
    func allocate(_ shape: [Int], _ layout: CPUStorage.Layout, type: ElementType) -> Tensor
    /// Memory of so many bytes.
    func storage(bytes: Int, _ layout: CPUStorage.Layout) -> CPUStorage
    /// The tensor itself if it has that layout, else a copy that has.
    func laidOut(_ tensor: Tensor, as layout: CPUStorage.Layout) -> Tensor
    /// The same values as F32 or BF16.
    func converted(_ x: Tensor, to type: ElementType) -> Tensor
    /// Runs `body` on equal parts of `0..<count`, none smaller than `grain`.
    func parallel(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void)
    /// Runs `body` for every one of `0..<tasks`, with a number below `threads` that no other has which runs at the same time.
    func parallel(tasks: Int, _ body: (_ worker: Int, _ task: Int) -> Void)
    /// Keeps the first error for the next read.
    func fail(_ error: Failure)
    /// What to say of a kernel that failed.
    var libraryFailure: Failure { get }
}

extension ConvolutionHost {
    /// F32, row-major or in an engine's layout.
    func allocateFloats(_ shape: [Int], _ layout: CPUStorage.Layout = .plain) -> Tensor {
        allocate(shape, layout, type: .f32)
    }
}

/// What convolves on a CPU backend, and so decides in which layout activations travel from layer to layer.
///
/// Shapes are those of `Backend`: x [B, I, H, W], weight [O, I, k, k], y [B, O, H', W']. Results have the type of the
/// activations that they are made of; gradients of weights are F32. Memory comes from the backend
/// that is handed in, and errors go to it (`Backend.fail`).
package protocol ConvolutionEngine: AnyObject {
    /// Library and version, for people; nil where there is none beside OpenBLAS.
    var summary: String? { get }

    /// What it makes of BF16. Activations of that type come only where it has it; elsewhere the backend widens and
    /// rounds (`CPUBackend+Convolution`).
    var bf16: BF16Support { get }

    /// Called around every run of a kernel that convolves, and nothing else: a benchmark's stopwatch. It must call its
    /// argument exactly once.
    var aroundKernel: ((() -> Void) -> Void)? { get set }

    /// The layout in which activations of so many channels and that type travel.
    func activationLayout(_ channels: Int, _ type: ElementType) -> CPUStorage.Layout

    /// y.
    func convolution(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor

    /// Gradient with regard to x, whose shape is given.
    func inputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor

    /// Gradient with regard to the weight, whose shape is given.
    func weightGradient(
        _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor

    /// The three of a depthwise convolution, weight [C, 1, k, k] (`ComposedOperations`).
    func depthwise(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor

    /// Gradient with regard to x, whose shape is given.
    func depthwiseInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor

    /// Gradient with regard to the weight.
    func depthwiseWeightGradient(
        _ gradient: Tensor, input: Tensor, window: Window, on backend: any ConvolutionHost
    ) -> Tensor
}

extension ConvolutionEngine {
    /// Runs a kernel, timed where somebody does.
    func running(_ kernel: () -> Void) {
        guard let aroundKernel else { return kernel() }
        withoutActuallyEscaping(kernel) { aroundKernel($0) }
    }
}
