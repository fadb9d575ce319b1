import BenchmarkHarness
import HLCompute
import HLEncoders
import HLNet
import HLTensor

/// What a convolution does in a step.
enum ConvolutionPass: String, CaseIterable {
    case forward
    case input = "back to the input"
    case weights
}

/// One convolution, as a kernel sees it: x [B, I, H, W], O channels out.
struct ConvolutionCall: Hashable {
    let pass: ConvolutionPass
    let input: [Int]
    let outChannels: Int
    let window: Window

    var output: [Int] { [input[0], outChannels, window.output(input[2]), window.output(input[3])] }
    var weight: [Int] { [outChannels, input[1], window.size, window.size] }
}

#if HL_ONEDNN
    /// Which convolutions a step calls, and how often each.
    struct ConvolutionCalls {
        /// In the order in which they come first.
        let counted: [(call: ConvolutionCall, count: Int)]

        /// - Parameter options: `--arch`, `--batch`, `--side`, `--width` and `--threads`, as simsiam-step has them.
        init(ofStep options: Options) throws {
            let recorder = CallRecorder(try OneDNNConvolutions(threads: options.number("threads", 2)))
            let backend = try CPUBackend(threads: options.number("threads", 2)) { _ in recorder }
            let architecture = ResNet.Architecture(rawValue: options["arch"] ?? "") ?? .resnet18
            let model = SimSiam(
                backend, backbone: ResNet(backend, architecture, width: options.number("width", 64)))
            model.initialise(seed: 0, on: backend)
            let side = options.number("side", 112)
            let images = backend.constant(0.5, shape: [2 * options.number("batch", 32), 3, side, side])
            let tape = Tape(backend)
            let loss = model.loss(Variable(images), Pass(tape, training: true, groups: 2))
            tape.run()
            _ = try loss.value(on: backend)
            var counts: [ConvolutionCall: Int] = [:], order: [ConvolutionCall] = []
            for call in recorder.calls {
                if counts[call] == nil { order.append(call) }
                counts[call, default: 0] += 1
            }
            counted = order.map { ($0, counts[$0] ?? 0) }
        }
    }
#endif

/// Convolutions of another engine, written down.
private final class CallRecorder: ConvolutionEngine {
    private(set) var calls: [ConvolutionCall] = []
    private let engine: any ConvolutionEngine

    init(_ engine: any ConvolutionEngine) { self.engine = engine }

    var summary: String? { engine.summary }
    var bf16: BF16Support { engine.bf16 }
    var aroundKernel: ((() -> Void) -> Void)? {
        get { engine.aroundKernel }
        set { engine.aroundKernel = newValue }
    }

    func activationLayout(_ channels: Int, _ type: ElementType) -> CPUStorage.Layout {
        engine.activationLayout(channels, type)
    }

    private func note(_ pass: ConvolutionPass, _ input: [Int], _ outChannels: Int, _ window: Window) {
        calls.append(ConvolutionCall(pass: pass, input: input, outChannels: outChannels, window: window))
    }

    func convolution(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor {
        note(.forward, x.shape, weight.shape[0], window)
        return engine.convolution(x, weight: weight, window: window, on: backend)
    }

    func inputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor {
        note(.input, inputShape, weight.shape[0], window)
        return engine.inputGradient(gradient, weight: weight, inputShape: inputShape, window: window, on: backend)
    }

    func weightGradient(
        _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor {
        note(.weights, input.shape, weightShape[0], window)
        return engine.weightGradient(gradient, input: input, weightShape: weightShape, window: window, on: backend)
    }

    // A ResNet has no depthwise ones; they are passed on without a note.

    func depthwise(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor {
        engine.depthwise(x, weight: weight, window: window, on: backend)
    }

    func depthwiseInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
    ) -> Tensor {
        engine.depthwiseInputGradient(
            gradient, weight: weight, inputShape: inputShape, window: window, on: backend)
    }

    func depthwiseWeightGradient(
        _ gradient: Tensor, input: Tensor, window: Window, on backend: any ConvolutionHost
    ) -> Tensor {
        engine.depthwiseWeightGradient(gradient, input: input, window: window, on: backend)
    }
}
