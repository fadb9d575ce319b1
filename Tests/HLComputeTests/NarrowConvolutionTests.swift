import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

#if HL_ONEDNN
    extension ComputeTests {
        /// Convolutions of BF16 by the fast backend, by whatever instructions this processor has, beside the reference: numbers
        /// of channels that fill blocks and tiles and that do not, all strides and windows, batches in one piece and in several.
        struct NarrowConvolutionTests {
            struct Case: Sendable, CustomStringConvertible {
                let input: [Int]
                let outChannels: Int
                let window: Window
                /// Whether AMX's lines are to take it forward and back.
                let inLines: Bool

                init(_ input: [Int], _ outChannels: Int, _ window: Window, inLines: Bool = false) {
                    (self.input, self.outChannels, self.window, self.inLines) = (input, outChannels, window, inLines)
                }

                var output: [Int] { [input[0], outChannels, window.output(input[2]), window.output(input[3])] }
                var weight: [Int] { [outChannels, input[1], window.size, window.size] }
                var description: String { "\(input) → \(outChannels), \(window)" }
            }

            /// Of 128 channels and more all passes are those of our kernels for AMX, of 64 and 32 some of them. Batches of 16 and more,
            /// with positions enough, come in slices: one for each thread at a time, or all threads at each where they are few.
            static let cases = [
                Case([2, 128, 7, 5], 144, Window(size: 3, padding: 1)), Case([3, 64, 9, 9], 96, Window(size: 1)),
                Case([2, 72, 8, 6], 80, Window(size: 3, stride: 2, padding: 1)),
                Case([2, 136, 7, 7], 128, Window(size: 3, stride: 2, padding: 0, trailing: 1)),
                Case([3, 80, 6, 5], 96, Window(size: 1, stride: 2)),
                Case([2, 32, 8, 8], 16, Window(size: 4, stride: 2, padding: 1)),
                Case([2, 40, 7, 7], 24, Window(size: 3, padding: 1)),
                Case([1, 136, 5, 6], 128, Window(size: 5, padding: 2)),
                Case([1, 128, 9, 7], 136, Window(size: 2, stride: 3)),
                Case([3, 128, 6, 6], 64, Window(size: 1, padding: 1)),
                Case([2, 3, 9, 8], 32, Window(size: 7, stride: 2, padding: 3)),
                Case([2, 3, 4, 4], 16, Window(size: 1, padding: 1)),
                Case([70, 64, 4, 4], 64, Window(size: 3, padding: 1)),
                Case([37, 64, 14, 14], 64, Window(size: 3, padding: 1)),
                Case([12, 128, 14, 14], 128, Window(size: 3, padding: 1)),
                Case([18, 160, 14, 13], 64, Window(size: 1)),
                Case([24, 64, 16, 16], 64, Window(size: 3, stride: 2, padding: 1)),
                Case([30, 128, 7, 7], 160, Window(size: 1)),
                Case([2, 48, 9, 7], 40, Window(size: 3, padding: 1), inLines: true),
                Case([5, 64, 12, 9], 72, Window(size: 3), inLines: true),
                Case([1, 40, 9, 12], 96, Window(size: 3, padding: 2), inLines: true),
                Case([3, 32, 16, 14], 32, Window(size: 5, padding: 2), inLines: true),
                Case([2, 34, 12, 12], 33, Window(size: 2, trailing: 1), inLines: true),
                Case([2, 32, 16, 18], 64, Window(size: 4, stride: 2, padding: 1)),
                Case([40, 544, 4, 4], 64, Window(size: 3, padding: 1)),
                Case([33, 256, 4, 4], 288, Window(size: 3, stride: 2, padding: 1)),
            ]
            static let hasAMX =
                (try? CPUBackend.oneDNN(threads: 1))?.engine.activationLayout(16, .bf16) == .channelsLast
            static let computesNarrow = ((try? CPUBackend.oneDNN(threads: 1))?.bf16 ?? .missing) != .missing

            private func rounded(_ name: String, _ shape: [Int], on backend: any Backend) -> Tensor {
                backend.converted(backend.tensor(Formula.centred(name, shape)), to: .bf16)
            }

            /// Output, and gradients of the input and of the weight.
            private func results(_ test: Case, on backend: any Backend) throws -> [HostTensor] {
                let x = rounded("x", test.input, on: backend), gradient = rounded("g", test.output, on: backend)
                let weight = backend.tensor(Formula.centred("w", test.weight))
                return try [
                    backend.convolution(x, weight: weight, window: test.window),
                    backend.convolutionInputGradient(
                        gradient, weight: weight, inputShape: test.input, window: test.window),
                    backend.convolutionWeightGradient(
                        gradient, input: x, weightShape: test.weight, window: test.window),
                ].map { try backend.read($0) }
            }

            @Test(.enabled(if: computesNarrow), arguments: cases) func besideTheReference(_ test: Case) throws {
                let fast = try CPUBackend.oneDNN(threads: 2)
                let expected = try results(test, on: CPUBackend.plain(threads: 2)), found = try results(test, on: fast)
                // One rounding of either; sums of products in F32.
                for (index, tolerance) in [0x1p-8, 0x1p-8, 1e-5].enumerated() {
                    expectClose(found[index], expected[index], tolerance, "\(test), result \(index)")
                }
                let again = try results(test, on: CPUBackend.oneDNN(threads: 2))
                #expect(again.map(\.floats) == found.map(\.floats))
                // Our own kernels, which AMX has, do the same at any number of threads.
                let channels = min(test.input[1], test.outChannels)
                let passes =
                    channels >= 128 || test.inLines && channels >= 64
                    ? [0, 1, 2] : test.inLines ? [0, 1] : channels >= 64 ? [2] : test.input[1] == 3 ? [2] : []
                for threads in Self.hasAMX && !passes.isEmpty ? [1, 3, 5] : [] {
                    let other = try results(test, on: CPUBackend.oneDNN(threads: threads))
                    #expect(passes.allSatisfy { other[$0].floats == found[$0].floats }, "\(threads) threads")
                }
            }

            /// Without samples, or without a place for the window, there are no sums: gradients are 0. The library refuses such shapes.
            @Test(.enabled(if: hasAMX), arguments: [[0, 128, 5, 5], [2, 128, 2, 2]])
            func nothingToSum(_ input: [Int]) throws {
                let backend = try CPUBackend.oneDNN(threads: 2), test = Case(input, 144, Window(size: 3))
                let found = try results(test, on: backend)
                #expect(found.map(\.shape) == [test.output, input, test.weight])
                #expect(found.allSatisfy { $0.floats.allSatisfy { $0 == 0 } })
                #expect(found[2].floats.count == 144 * 128 * 9)
            }

            /// A weight that has taken on its gradient's layout serves in both types, and all of its steps.
            @Test(.enabled(if: computesNarrow)) func aWeightInBothTypes() throws {
                let fast = try CPUBackend.oneDNN(threads: 2), plain = try CPUBackend.plain(threads: 2)
                let test = Self.cases[0]
                func steps(on backend: CPUBackend) throws -> [HostTensor] {
                    let weight = backend.tensor(Formula.centred("w", test.weight))
                    let velocity = backend.constant(0, shape: test.weight)
                    var results: [Tensor] = []
                    for step in 0..<2 {
                        let x = rounded("x\(step)", test.input, on: backend)
                        let gradient = rounded("g\(step)", test.output, on: backend)
                        results.append(backend.convolution(x, weight: weight, window: test.window))
                        results.append(
                            backend.convolution(
                                backend.converted(x, to: .f32), weight: weight, window: test.window))
                        let slope = backend.convolutionWeightGradient(
                            gradient, input: x, weightShape: test.weight, window: test.window)
                        backend.sgd(
                            [SGDUpdate(weight: weight, gradient: slope, velocity: velocity, decay: 0.1)], rate: 0.01,
                            momentum: 0.9)
                    }
                    return try (results + [weight, velocity]).map { try backend.read($0) }
                }
                for (found, expected) in zip(try steps(on: fast), try steps(on: plain)) {
                    expectClose(found, expected, 0x1p-8, "\(found.shape)")
                }
            }
        }
    }
#endif
