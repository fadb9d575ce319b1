import HLCompute
import HLEncoders
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// A training in bf16 has no network beside the trained one, such as a momentum encoder, that stays behind in f32.
    struct MethodPrecisionTests {
        /// The plain convolutions of f32, which write down the type of every input.
        private final class WatchedConvolutions: ConvolutionEngine {
            let summary: String? = nil
            let bf16 = BF16Support.native
            var aroundKernel: ((() -> Void) -> Void)?
            private(set) var types: [ElementType] = []
            private let plain = PlainConvolutions()

            func activationLayout(_ channels: Int, _ type: ElementType) -> CPUStorage.Layout {
                plain.activationLayout(channels, type)
            }

            func convolution(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor {
                types.append(x.type)
                let wide = backend.converted(x, to: .f32)
                return backend.converted(
                    plain.convolution(wide, weight: weight, window: window, on: backend), to: x.type)
            }

            func inputGradient(
                _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
            ) -> Tensor {
                types.append(gradient.type)
                let wide = backend.converted(gradient, to: .f32)
                return backend.converted(
                    plain.inputGradient(wide, weight: weight, inputShape: inputShape, window: window, on: backend),
                    to: gradient.type)
            }

            func weightGradient(
                _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window, on backend: any ConvolutionHost
            ) -> Tensor {
                types += [gradient.type, input.type]
                return plain.weightGradient(
                    backend.converted(gradient, to: .f32), input: backend.converted(input, to: .f32),
                    weightShape: weightShape, window: window, on: backend)
            }

            func depthwise(_ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost) -> Tensor {
                fatalError("a ResNet has none")
            }

            func depthwiseInputGradient(
                _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost
            ) -> Tensor {
                fatalError("a ResNet has none")
            }

            func depthwiseWeightGradient(
                _ gradient: Tensor, input: Tensor, window: Window, on backend: any ConvolutionHost
            ) -> Tensor {
                fatalError("a ResNet has none")
            }
        }

        @Test(arguments: Methods.all.map(\.name), [Precision.f32, .bf16])
        func everyNetworkFollows(_ name: String, _ precision: Precision) throws {
            let method = try #require(Methods.named(name)), engine = WatchedConvolutions()
            let backend = try CPUBackend(threads: 1) { _ in engine }
            let values = try method.values(name == "moco" ? ["queue": .integer(8)] : [:])
            let settings = TrainingSettings(
                method: method, values: values, architecture: .resnet18, width: 2, stem: .cifar, augmentation: .none,
                batch: 2, steps: 1, seed: 0, precision: precision)
            let trainer = EncoderTrainer(settings, on: backend)
            let images = Formula.images("precision", "scene", 2 * settings.viewsPerSample, 16)
            _ = try trainer.train(on: backend.tensor(images), labels: [0, 1], ids: [0, 1], wantsReport: false)
            #expect(engine.types.count > 60)
            #expect(engine.types.allSatisfy { $0 == (precision == .bf16 ? .bf16 : .f32) })
        }
    }
}
