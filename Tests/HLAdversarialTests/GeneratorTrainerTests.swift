import Foundation
import HLAdversarial
import HLCompute
import HLFormats
import HLGenerators
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

/// Training beside PyTorch and the public code (Tests/Interchange/make_gan.py), and that it goes on to the same bits.
@Suite struct GeneratorTrainerTests {
    private static let fixture = Result { try tensorFixture("steps", in: .module) }

    static let runs: [(name: String, content: GeneratorTrainer.Content)] = [
        ("none", .none), ("infonce", .infoNCE(weight: 0.2, temperature: 0.2)), ("cells", .cells(classes: 10)),
        ("augmented", .none),
    ]

    private func settings(_ name: String, _ content: GeneratorTrainer.Content) -> GeneratorTrainer.Settings {
        var settings = GeneratorTrainer.Settings()
        settings.width = 16
        settings.content = content
        settings.batch = 8
        settings.steps = 10
        settings.seed = 1
        (settings.generatorRate, settings.discriminatorRate) = (1e-3, 2e-3)
        if name == "augmented" {
            settings.discriminatorSteps = 2
            settings.augmentations = [.colour, .translation, .cutout]
        }
        return settings
    }

    /// A trainer that begins with the formula's weights.
    private func trainer(
        _ settings: GeneratorTrainer.Settings, on backend: any Backend
    ) throws -> GeneratorTrainer {
        let trainer = try GeneratorTrainer(settings, on: backend, epsilon: 0.1)
        var start = NamedTensors()
        for (name, tensor) in try trainer.state() {
            let own = name.hasPrefix("average.") ? "generator." + name.dropFirst("average.".count) : name
            let isKept = ["stored_mean", "stored_var", "sv0"].contains { name.hasSuffix($0) }
            start[name] =
                isKept || name.hasPrefix("optimiser.")
                ? tensor : Formula.state("gan.\(own)", tensor.shape, ofNorm: false)
        }
        try trainer.restore(start, step: 0)
        return trainer
    }

    /// The real images, labels and ids of a step.
    private func train(
        _ trainer: GeneratorTrainer, wantsLosses: Bool, on backend: any Backend
    ) throws -> GeneratorTrainer.Losses? {
        let step = trainer.step, batch = 8, parts = trainer.settings.discriminatorSteps
        let images = (0..<parts).map { Formula.array("gan.real.\(step).\($0)", [batch, 3, 32, 32]) { $0 } }
        return try trainer.train(
            real: backend.tensor(HostTensor.concatenate(images)),
            labels: trainer.settings.content.usesLabels
                ? (0..<batch * parts).map { Int32(($0 % batch + step) % 10) } : nil,
            ids: (0..<batch * parts).map { Int64($0 % batch) }, wantsLosses: wantsLosses)
    }

    /// ‖a − b‖ / ‖b‖
    private func distance(_ a: HostTensor, _ b: HostTensor) -> Double {
        let (difference, length) = zip(a.floats, b.floats).reduce((0.0, 0.0)) { sums, pair in
            let (a, b) = (Double(pair.0), Double(pair.1))
            return (sums.0 + (a - b) * (a - b), sums.1 + b * b)
        }
        return (difference / length).squareRoot()
    }

    @Test(arguments: runs, testedBackends)
    func tenSteps(_ run: (name: String, content: GeneratorTrainer.Content), _ choice: TestedBackend) throws {
        let fixture = try Self.fixture.get(), backend = try choice.make(threads: 2)
        let trainer = try trainer(settings(run.name, run.content), on: backend)
        let losses = try fixture.tensor("\(run.name).losses").floats.map(Double.init)
        for step in 0..<10 {
            let found = try #require(try train(trainer, wantsLosses: true, on: backend))
            let values = [found.discriminator, found.generator, found.content ?? 0]
            for (index, value) in values.enumerated() {
                #expect(abs(value - losses[3 * step + index]) < 1e-3, "loss \(index) of step \(step)")
            }
        }
        let state = try trainer.state()
        let summaries = "\(run.name).summary.", ends = "\(run.name).end."
        var checked = 0
        for (key, expected) in fixture.tensors {
            if key.hasPrefix(summaries) {
                let name = String(key.dropFirst(summaries.count))
                expectSummary(try #require(state[name], "\(name)"), expected.floats, 1e-3, name)
                checked += 1
            } else if key.hasPrefix(ends) {
                let name = String(key.dropFirst(ends.count)), found = try #require(state[name], "\(name)")
                let own = name.replacing("average.", with: "generator.")
                #expect(distance(found, expected) < 1e-3, "\(name)")
                let start = Formula.state("gan.\(own)", found.shape, ofNorm: false)
                #expect(
                    distance(found, expected) < 0.2 * distance(expected, start), "how far \(name) has moved")
            }
        }
        // Every weight and left singular vector of both networks, and every weight of the average.
        let expected = state.names.count {
            !$0.hasPrefix("optimiser.") && !$0.hasSuffix("sv0") && !$0.contains("stored_")
        }
        #expect(checked == expected)
    }

    /// hl-sample's form of the network renders the file as the public code does, and as the trainer itself.
    @Test(arguments: testedBackends)
    func fileRendersAsInThePublicCode(_ choice: TestedBackend) throws {
        let fixture = try Self.fixture.get(), backend = try choice.make(threads: 2)
        let trainer = try trainer(settings("none", .none), on: backend)
        let z = try fixture.tensor("z"), expected = try fixture.tensor("images")
        expectImages(try trainer.images(latents: z), expected)
        let file = try trainer.file(history: [HistoryEntry(tool: "test", version: "0", arguments: [])])
        #expect(file.tensors["blocks.1.0.conv2.bias"]?.floats == [Float](repeating: 0, count: 32))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("g.safetensors").path
        try Checkpoint.write(file, to: path)
        let weights = try GeneratorFile.open(path: path)
        let specification = try BigBiGAN.specification(
            of: weights, path: path, digest: "", rendering: RenderingSettings())
        let generator = try BigBiGAN(specification, file: weights, backend: backend)
        expectImages(
            try backend.read(
                try generator.render([Latents(z, ids: HostTensor([Int64](0..<4), shape: [4]))], pixels: .f32)), expected
        )

        let second = try GeneratorTrainer(settings("none", .none), on: backend)
        try second.initialise(from: path)
        let name = "blocks.0.0.conv1.weight"
        #expect(try second.state()["generator.\(name)"]?.floats == file.tensors[name]?.floats)
        #expect(try second.state()["average.\(name)"]?.floats == file.tensors[name]?.floats)
        var other = settings("none", .none)
        other.width = 32
        let wider = try GeneratorTrainer(other, on: backend)
        #expect(failure { try wider.initialise(from: path) }?.kind == .incompatible)
    }

    private func expectImages(
        _ found: HostTensor, _ expected: HostTensor, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found.shape == expected.shape, sourceLocation: sourceLocation)
        let difference = zip(found.floats, expected.floats).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        #expect(difference < 1e-4, sourceLocation: sourceLocation)
    }

    /// Saved and restored between two steps, after sheets have been looked at too, and with a batch that doubles.
    @Test(arguments: testedBackends)
    func goesOnToTheSameBits(_ choice: TestedBackend) throws {
        let backend = try choice.make(threads: 2)
        var settings = settings("augmented", .infoNCE(weight: 0.1, temperature: 0.2))
        settings.steps = 6
        let whole = try trainer(settings, on: backend)
        for _ in 0..<4 { _ = try train(whole, wantsLosses: false, on: backend) }

        let first = try trainer(settings, on: backend)
        for _ in 0..<2 { _ = try train(first, wantsLosses: false, on: backend) }
        _ = try first.images(latents: HostTensor([Float](repeating: 0.5, count: 80), shape: [1, 4, 20]))
        let second = try trainer(settings, on: backend)
        try second.restore(try first.state(), step: 2)
        for _ in 0..<2 { _ = try train(second, wantsLosses: false, on: backend) }
        let (expected, found) = (try whole.state(), try second.state())
        #expect(expected.names == found.names)
        for (name, tensor) in expected {
            let isSame = found[name]?.floats == tensor.floats
            #expect(isSame, "\(name)")
        }
    }

    @Test func batches() throws {
        var settings = GeneratorTrainer.Settings()
        (settings.batch, settings.steps, settings.doublesBatch, settings.discriminatorSteps) = (8, 5, true, 2)
        #expect((0..<5).map { settings.batch(inStep: $0) } == [8, 8, 16, 16, 16])
        #expect((0...5).map { settings.images(inSteps: $0) } == [0, 16, 32, 64, 96, 128])
        #expect(settings.chunks == 4)
    }

    @Test func whatDoesNotFit() throws {
        let backend = try BackendChoice.plain.make(threads: 1)
        for change: (inout GeneratorTrainer.Settings) -> Void in [
            { $0.side = 48 }, { $0.batch = 7 }, { $0.batch = 2 }, { $0.width = 0 },
            { $0.content = .cells(classes: 21) },
        ] {
            var settings = GeneratorTrainer.Settings()
            settings.width = 1
            change(&settings)
            #expect(failure { _ = try GeneratorTrainer(settings, on: backend) }?.kind == .usage)
        }
        var settings = GeneratorTrainer.Settings()
        (settings.width, settings.batch, settings.content) = (1, 4, .cells(classes: 3))
        let trainer = try GeneratorTrainer(settings, on: backend), ids: [Int64] = [0, 1, 2, 3]
        let images = backend.constant(0.5, shape: [4, 3, 32, 32])
        for (images, labels) in [
            (backend.constant(0.5, shape: [4, 3, 64, 64]), [Int32(0), 1, 2, 0]), (images, nil), (images, [0, 1, 2, 3]),
            (images, [0, 1, 2, -1]), (backend.constant(0.5, shape: [3, 3, 32, 32]), [0, 1, 2]),
        ] {
            let failure = failure {
                _ = try trainer.train(real: images, labels: labels, ids: ids, wantsLosses: false)
            }
            #expect(failure?.kind == .data)
        }
    }
}
