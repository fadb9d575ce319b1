import HLCompute
import HLEncoders
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// Methods that take a sample's anchor and several positives.
    struct ViewsTrainingTests {
        /// A run that was saved and loaded in the middle ends with the same bits; its file has nothing that only the run
        /// needs.
        @Test(arguments: testedBackends, ["stablerep", "lejepa"])
        func resumed(_ choice: TestedBackend, _ method: String) throws {
            let whole = try Self.trainer(choice, method)
            try Self.train(whole, 0..<4)
            let first = try Self.trainer(choice, method)
            try Self.train(first, 0..<2)
            let second = try Self.trainer(choice, method)
            try second.restore(first.state(), step: 2)
            try Self.train(second, 2..<4)
            let (expected, actual) = (try whole.state(), try second.state())
            #expect(expected.names == actual.names)
            for (name, tensor) in expected {
                let other = try #require(actual[name])
                #expect(tensor.withUnsafeBytes { [UInt8]($0) } == other.withUnsafeBytes { [UInt8]($0) }, "\(name)")
            }
            #expect((expected["sigreg.steps"]?.integers == [4]) == (method == "lejepa"))
            let inFile = try whole.weights().names
            #expect(!inFile.contains("sigreg.steps") && inFile.contains("backbone.conv1.weight"))
            #expect(inFile.contains(method == "lejepa" ? "proj.8.weight" : "head.3.weight"))
        }

        /// One positive is SimCLR's pair: the same loss and gradient to the bit, where batch norm sees the same.
        @Test(arguments: testedBackends) func onePositive(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2)
            let images = backend.tensor(Formula.images("pair", "scene.0", 8, 32))
            func results(_ method: some EncoderMethod) throws -> [[Float]] {
                method.initialise(seed: 4, on: backend)
                let pass = Pass(Tape(backend), training: true)
                let loss = try backend.read(method.loss(Variable(images), pass).rows).floats
                pass.tape.run()
                return [loss]
                    + (try method.parameters.map { try backend.read(try #require($0.parameter.gradient)).floats })
            }
            func backbone() -> ResNet { ResNet(backend, .resnet18, width: 8) }
            let pair = try results(SimCLR(backend, backbone: backbone(), headNorm: true))
            #expect(try results(StableRep(backend, backbone: backbone(), views: 2)) == pair)
        }

        /// Each step looks along other directions, those of its number and the seed.
        @Test func directions() throws {
            let backend = try BackendChoice.plain.make(threads: 1)
            func losses(seed: UInt64, steps: Int) throws -> [Double] {
                let method = LeJEPA(
                    backend, backbone: ResNet(backend, .resnet18, width: 1), dimension: 3, width: 4, views: 2,
                    slices: 2, seed: seed, objective: LeJEPALoss(trade: 1))
                method.initialise(seed: 1, on: backend)
                method.begin()
                return try (0..<steps).map { _ in
                    let pass = Pass(Tape(backend), training: true, groups: 2)
                    defer { method.stepDone() }
                    return try method.loss(Variable(backend.tensor(Formula.images("a", "a", 8, 8))), pass)
                        .value(on: backend)
                }
            }
            let one = try losses(seed: 1, steps: 3)
            #expect(Set(one).count == 3)
            #expect(try losses(seed: 1, steps: 3) == one)
            #expect(try losses(seed: 2, steps: 1)[0] != one[0])
        }

        /// Each view is drawn an augmentation of its own, that of its number.
        @Test func viewsAreAugmentedByTheirNumber() throws {
            let trainer = try Self.trainer(.plain, "stablerep", augmentation: .noColor)
            let other = try Self.trainer(.plain, "stablerep", augmentation: .noColor)
            let view = Formula.array("same", [8, 3, 32, 32]) { $0 }
            let blank = Formula.array("blank", [8, 3, 32, 32]) { _ in 0.5 }
            func loss(_ trainer: EncoderTrainer, _ views: [HostTensor]) throws -> Double? {
                try trainer.train(
                    on: trainer.backend.tensor(HostTensor.concatenate(views)), ids: (0..<8).map { Int64($0) },
                    wantsReport: true)?.loss
            }
            // The same image in another view's place is cropped otherwise.
            #expect(try loss(trainer, [view, view, blank, blank]) != loss(other, [view, blank, view, blank]))
        }

        private static func trainer(
            _ choice: TestedBackend, _ name: String, augmentation: AugmentationSet = .noColor
        ) throws -> EncoderTrainer {
            let method = try #require(Methods.named(name))
            var given: [String: MethodOption.Value] = ["positives": .integer(3)]
            if name == "lejepa" { given["slices"] = .integer(7) }
            let settings = TrainingSettings(
                method: method, values: try method.values(given), architecture: .resnet18, width: 16, stem: .imagenet,
                augmentation: augmentation, batch: 8, steps: 4, rate: name == "lejepa" ? 1e-3 : 0.1, warmupSteps: 0,
                seed: 5)
            #expect(settings.viewsPerSample == 4)
            return EncoderTrainer(settings, on: try choice.make(threads: 2))
        }

        private static func train(_ trainer: EncoderTrainer, _ steps: Range<Int>) throws {
            for step in steps {
                let views = (0..<4).map { Formula.array("resume.\(step).\($0)", [8, 3, 32, 32]) { $0 } }
                let images = trainer.backend.tensor(HostTensor.concatenate(views))
                let report = try trainer.train(on: images, ids: (0..<8).map { Int64(8 * step + $0) }, wantsReport: true)
                #expect(report.map { $0.loss.isFinite && $0.spread.isFinite } == true)
            }
        }
    }
}
