import HLCompute
import HLTensor

/// A backend that brings nothing but primitives, the plain backend's: all else is composed of them by default, as on a new
/// device on its first day.
package final class PrimitiveBackend: Backend {
    /// Whose primitives they are, and whose tensors.
    package let base: CPUBackend

    package init(threads: Int = 1) throws {
        base = try CPUBackend.plain(threads: threads)
        bf16 = base.bf16
    }

    package var summary: String { "primitives of \(base.summary)" }
    package var threads: Int { base.threads }
    /// The base's, unless a test says otherwise.
    package var bf16: BF16Support

    package func tensor(
        _ type: ElementType, shape: [Int], filling body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows -> Tensor { try base.tensor(type, shape: shape, filling: body) }
    package func constant(_ value: Float, shape: [Int]) -> Tensor { base.constant(value, shape: shape) }
    package func read(_ tensor: Tensor) throws -> HostTensor { try base.read(tensor) }
    package func assign(_ host: HostTensor, to target: Tensor) { base.assign(host, to: target) }
    package func fail(_ error: Failure) { base.fail(error) }
    package func converted(_ x: Tensor, to type: ElementType) -> Tensor { base.converted(x, to: type) }

    package func rows(_ x: Tensor, _ range: Range<Int>) -> Tensor { base.rows(x, range) }
    package func rows(_ x: Tensor, at indices: Tensor) -> Tensor { base.rows(x, at: indices) }
    package func assignRows(_ source: Tensor, to target: Tensor, at start: Int) {
        base.assignRows(source, to: target, at: start)
    }
    package func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor { base.columns(x, range) }
    package func addColumns(_ source: Tensor, into target: Tensor, at start: Int) {
        base.addColumns(source, into: target, at: start)
    }
    package func reshaped(_ x: Tensor, _ shape: [Int]) -> Tensor { base.reshaped(x, shape) }

    package func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor {
        base.matmul(a, b, transposeA: transposeA, transposeB: transposeB)
    }
    package func convolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor {
        base.convolution(x, weight: weight, window: window)
    }
    package func convolutionInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window
    ) -> Tensor { base.convolutionInputGradient(gradient, weight: weight, inputShape: inputShape, window: window) }
    package func convolutionWeightGradient(
        _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window
    ) -> Tensor { base.convolutionWeightGradient(gradient, input: input, weightShape: weightShape, window: window) }
    package func resample(_ images: Tensor, _ taps: ResampleTaps) -> Tensor { base.resample(images, taps) }

    package func add(_ a: Tensor, _ b: Tensor) -> Tensor { base.add(a, b) }
    package func multiply(_ a: Tensor, _ b: Tensor) -> Tensor { base.multiply(a, b) }
    package func scale(_ x: Tensor, by factor: Float) -> Tensor { base.scale(x, by: factor) }
    package func inverseRoot(_ x: Tensor, epsilon: Float) -> Tensor { base.inverseRoot(x, epsilon: epsilon) }
    package func relu(_ x: Tensor) -> Tensor { base.relu(x) }
    package func reluBackward(_ gradient: Tensor, output: Tensor) -> Tensor {
        base.reluBackward(gradient, output: output)
    }
    package func modulate(_ x: Tensor, _ modulation: Modulation) -> Tensor { base.modulate(x, modulation) }
    package func modulateBackward(_ gradient: Tensor, input: Tensor, _ modulation: Modulation) -> ModulationGradients {
        base.modulateBackward(gradient, input: input, modulation)
    }
    package func toImage(_ x: Tensor, _ squash: Squash) -> Tensor { base.toImage(x, squash) }
    package func toImageBackward(
        _ gradient: Tensor, image: Tensor, inputShape: [Int], type: ElementType, _ squash: Squash
    ) -> Tensor { base.toImageBackward(gradient, image: image, inputShape: inputShape, type: type, squash) }

    package func maxPool(_ x: Tensor, window: Window) -> (output: Tensor, chosen: Tensor) {
        base.maxPool(x, window: window)
    }
    package func maxPoolBackward(_ gradient: Tensor, chosen: Tensor, inputShape: [Int], window: Window) -> Tensor {
        base.maxPoolBackward(gradient, chosen: chosen, inputShape: inputShape, window: window)
    }
    package func softmaxRows(_ x: Tensor) -> Tensor { base.softmaxRows(x) }
    package func softmaxRowsBackward(_ gradient: Tensor, output: Tensor) -> Tensor {
        base.softmaxRowsBackward(gradient, output: output)
    }
    package func crossEntropy(_ logits: Tensor, targets: Tensor, excluded: Tensor?, scale: Float, weight: Float)
        -> (losses: Tensor, gradient: Tensor)
    { base.crossEntropy(logits, targets: targets, excluded: excluded, scale: scale, weight: weight) }
}
