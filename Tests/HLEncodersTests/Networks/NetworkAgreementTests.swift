#if HL_ONEDNN
    import HLCompute
    import HLEncoders
    import HLNet
    import HLTensor
    import OperationCases
    import TestSupport
    import Testing

    extension EncodersTests {
        /// The fast backend against the reference.
        struct NetworkAgreementTests {
            /// A whole network whose channels fill no block of 16, with the stem for small images.
            @Test(arguments: [ResNet.Architecture.resnet18, .resnet50])
            func network(_ architecture: ResNet.Architecture) throws {
                let results = try [TestedBackend.plain, .oneDNN].map { choice in
                    let trial = try Trial(choice, groups: 2)
                    let network = ResNet(trial.backend, architecture, width: 24, stem: .cifar)
                    try network.loadFormula(lastNorm: architecture == .resnet50 ? "bn3" : "bn2", on: trial.backend)
                    let x = trial.input(Formula.images("image.15", "scene.15", 4, 24))
                    let y = network(x, trial.pass)
                    trial.backward(y, Formula.centred("cotangent", y.shape))
                    var results = [("features", try trial.read(y)), ("input", try trial.gradient(x))]
                    for (name, parameter) in network.parameters {
                        results.append((name, try trial.gradient(parameter)))
                    }
                    return results
                }
                for ((name, expected), (_, actual)) in zip(results[0], results[1]) {
                    expectClose(actual, expected, 2e-3, name)
                }
            }
        }
    }
#endif
