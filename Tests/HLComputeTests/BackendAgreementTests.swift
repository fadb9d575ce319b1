#if HL_ONEDNN
    import HLCompute
    import HLNet
    import HLTensor
    import TestSupport
import Testing

    extension ComputeTests {
        /// The fast backend against the reference on the shapes of real networks' convolutions, all passes.
        struct BackendAgreementTests {
            static let tolerance = 1e-4

            typealias Shape = ConvolutionShape
            /// ResNet-18's and ResNet-50's convolutions at 112 px, and some that fill no block.
            static let shapes = [
                Shape([2, 3, 112, 112], 64, 7, stride: 2), Shape([2, 64, 28, 28], 64, 3),
                Shape([2, 64, 28, 28], 256, 1),
                Shape([2, 256, 28, 28], 64, 1), Shape([2, 64, 28, 28], 128, 3, stride: 2),
                Shape([2, 128, 14, 14], 128, 3), Shape([2, 256, 28, 28], 512, 1, stride: 2),
                Shape([2, 256, 7, 7], 256, 3), Shape([2, 512, 4, 4], 512, 3),
                Shape([2, 1024, 7, 7], 2048, 1, stride: 2),
                Shape([3, 48, 15, 17], 80, 3), Shape([3, 50, 15, 17], 90, 3, stride: 2), Shape([5, 24, 11, 11], 24, 3),
            ]

            @Test(arguments: shapes)
            func convolution(_ shape: Shape) throws {
                let input = Formula.centred("x", shape.input)
                let weightShape = [shape.outChannels, shape.input[1], shape.window.size, shape.window.size]
                let weight = Formula.centred("w", weightShape)
                let results = try [BackendChoice.plain, .oneDNN].map { choice in
                    let trial = try Trial(choice)
                    let layer = Convolution(trial.backend, shape.input[1], shape.outChannels, shape.window)
                    trial.backend.assign(weight, to: layer.weight.value)
                    let x = trial.input(input)
                    let y = layer(x, trial.pass)
                    trial.backward(y, Formula.centred("c", y.shape))
                    return [try trial.read(y), try trial.gradient(x), try trial.gradient(layer.weight)]
                }
                for (index, what) in ["output", "input gradient", "weight gradient"].enumerated() {
                    expectClose(results[1][index], results[0][index], Self.tolerance, what)
                }
            }

            /// A weight that changes must be packed anew for every pass.
            @Test func changedWeights() throws {
                let shape = Shape([2, 64, 8, 8], 64, 3), weights = ["w0", "w1"]
                let results = try [BackendChoice.plain, .oneDNN].map { choice in
                    let backend = try choice.make(threads: 2)
                    let layer = Convolution(backend, 64, 64, shape.window)
                    var results: [HostTensor] = []
                    for name in weights {
                        let trial = Trial(backend)
                        backend.assign(Formula.centred(name, [64, 64, 3, 3]), to: layer.weight.value)
                        let x = trial.input(Formula.centred("x", shape.input))
                        let y = layer(x, trial.pass)
                        trial.backward(y, Formula.centred("c", y.shape))
                        results += [try trial.read(y), try trial.gradient(x)]
                        _ = layer.weight.takeGradient()
                    }
                    return results
                }
                for (one, other) in zip(results[0], results[1]) {
                    expectClose(other, one, Self.tolerance, "weights")
                }
                #expect(deviation(results[1][0].floats, results[1][2].floats) > 0.1)
            }
        }
    }
#endif
