import HLAdversarial
import HLCompute
import HLFormats
import HLTensor
import OperationCases
import TestSupport
import Testing

/// Several ranks, threads here, that share out the images of every step train the generator that one process trains on all
/// of them.
struct GeneratorRanksTests {
    /// The forms of a training: what holds content, and all else that depends on a sample's place.
    enum Form: String, CaseIterable, Sendable {
        case none, infonce, cells, augmented

        var content: GeneratorTrainer.Content {
            switch self {
            case .none: .none
            case .infonce: .infoNCE(weight: 0.2, temperature: 0.2)
            case .cells, .augmented: .cells(classes: 10)
            }
        }
    }

    private struct Run: Sendable {
        /// Discriminator, generator, content and the mean scores, step by step.
        var losses: [[Double]] = []
        var accuracies: [[Double]] = []
        var before = NamedTensors()
        var after = NamedTensors()
        /// What the averaged generator makes of some latents, on the first rank.
        var images: [Float] = []
    }

    private static let batch = 8, side = 32

    private static func settings(_ form: Form, ranks: Int, seed: UInt64, steps: Int) -> GeneratorTrainer.Settings {
        var settings = GeneratorTrainer.Settings()
        settings.width = 8
        settings.content = form.content
        settings.batch = batch
        settings.steps = steps
        settings.seed = seed
        settings.ranks = ranks
        (settings.generatorRate, settings.discriminatorRate) = (1e-3, 2e-3)
        if form == .augmented {
            settings.discriminatorSteps = 2
            settings.doublesBatch = true
            settings.augmentations = [.colour, .translation, .cutout]
        }
        return settings
    }

    /// Images of the places `order` among those of a step.
    private static func train(
        _ trainer: GeneratorTrainer, _ order: [Int], on backend: any Backend
    ) throws -> GeneratorTrainer.Losses? {
        let ids = order.map { trainer.imagesSeen + $0 }
        let images = ids.map { Formula.array("gan.ranks.\($0)", [1, 3, side, side]) { $0 } }
        return try trainer.train(
            real: backend.tensor(HostTensor.concatenate(images)),
            labels: trainer.settings.content.usesLabels ? ids.map { Int32($0 % 10) } : nil, ids: ids.map { Int64($0) },
            wantsLosses: true)
    }

    /// - Parameters:
    ///   - order: of `count` places, those of one rank.
    ///   - stopping: the step after which the training goes on in another trainer.
    private static func run(
        _ settings: GeneratorTrainer.Settings, order: (_ count: Int) -> [Int], stopping: Int? = nil,
        over communicator: (any Communicator)? = nil, on choice: TestedBackend = .fastest
    ) throws -> Run {
        let backend = try choice.make(threads: 1), ranks = communicator.map { backend.ranks(over: $0) }
        func make() throws -> GeneratorTrainer {
            try GeneratorTrainer(settings, ranks: ranks, on: backend, epsilon: 0.1)
        }
        var trainer = try make(), run = Run()
        run.before = try trainer.state()
        for step in 0..<settings.steps {
            if step == stopping {
                let next = try make()
                try next.restore(try trainer.state(), step: step)
                trainer = next
            }
            let losses = try #require(try train(trainer, order(trainer.imagesWanted), on: backend))
            run.losses.append([
                losses.discriminator, losses.generator, losses.content ?? 0, losses.real, losses.generated,
            ])
            run.accuracies.append([losses.realAccuracy, losses.generatedAccuracy])
            // What the first rank alone looks at changes nothing, and no other one is waited for.
            if step == 1, communicator?.rank ?? 0 == 0 {
                let z = Formula.array("gan.ranks.z", [2, settings.chunks, settings.chunkDimension]) { 2 * $0 - 1 }
                run.images = try trainer.images(latents: z).floats
            }
        }
        run.after = try trainer.state()
        return run
    }

    private static func whole(
        _ form: Form, seed: UInt64, steps: Int = 5, on choice: TestedBackend = .fastest
    ) throws -> Run {
        try run(settings(form, ranks: 1, seed: seed, steps: steps), order: { Array(0..<$0) }, on: choice)
    }

    private static func shared(
        _ form: Form, among ranks: Int, seed: UInt64, steps: Int = 5, stopping: Int? = nil,
        on choice: TestedBackend = .fastest
    ) throws -> [Run] {
        let settings = settings(form, ranks: ranks, seed: seed, steps: steps)
        return try ThreadCommunicator.run(ranks) { communicator in
            try run(
                settings, order: { Array(stride(from: communicator.rank, to: $0, by: ranks)) }, stopping: stopping,
                over: communicator, on: choice)
        }
    }

    private static func expectSame(_ a: Run, _ b: Run, _ what: String) {
        #expect(a.losses == b.losses && a.accuracies == b.accuracies, "\(what)")
        #expect(a.after.names == b.after.names)
        for (name, tensor) in a.after {
            let isSame = b.after[name]?.floats == tensor.floats
            #expect(isSame, "\(what): \(name)")
        }
    }

    /// ‖a − b‖ over all weights of a network.
    private static func distance(_ a: NamedTensors, _ b: NamedTensors, _ network: String) -> Double {
        a.filter { $0.name.hasPrefix(network) }.reduce(0.0) { sum, entry in
            zip(entry.tensor.floats, b[entry.name]?.floats ?? []).reduce(sum) {
                $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
            }
        }.squareRoot()
    }

    /// What of the ranks' run is not that of one process: losses within 1e-4, scores and losses near 0 within 1e-4 of 1, and
    /// weights within a hundredth of what the training has changed. That all ranks have the same is expected to the bit.
    private static func differences(_ runs: [Run], from whole: Run) -> [String] {
        for run in runs { expectSame(run, runs[0], "all ranks") }
        var found: [String] = []
        for (step, (a, b)) in zip(runs[0].losses, whole.losses).enumerated() {
            for (index, (a, b)) in zip(a, b).enumerated() where abs(a - b) >= 1e-4 * max(1, abs(b)) {
                found.append("value \(index) of step \(step) is \(a), not \(b)")
            }
        }
        if runs[0].accuracies != whole.accuracies { found.append("accuracies") }
        for network in ["generator.", "discriminator.", "average."] {
            let share =
                distance(runs[0].after, whole.after, network) / distance(whole.after, whole.before, network)
            if share >= 1e-2 { found.append("weights of \(network) \(share) of the update") }
        }
        let furthest = zip(runs[0].images, whole.images).reduce(0) { max($0, abs($1.0 - $1.1)) }
        if furthest >= 1e-3 || runs[0].images.isEmpty { found.append("an image is \(furthest) away") }
        return found
    }

    /// With some first weights a ReLU lies so near the border that another order of the sums goes another way; a mistake
    /// would show with all of them.
    private static func expectAsOneProcess(
        _ form: Form, ranks: Int, steps: Int = 5, on choice: TestedBackend = .fastest
    ) throws {
        var found: [String] = []
        for seed in [1, 2, 3] as [UInt64] {
            let whole = try whole(form, seed: seed, steps: steps, on: choice)
            let runs = try shared(form, among: ranks, seed: seed, steps: steps, on: choice)
            let differences = differences(runs, from: whole)
            if differences.isEmpty { return }
            found += differences.map { "seed \(seed): \($0)" }
        }
        Issue.record("\(form): \(found.joined(separator: "; "))")
    }

    @Test(arguments: Form.allCases, [2, 4]) func asOneProcess(_ form: Form, ranks: Int) throws {
        try Self.expectAsOneProcess(form, ranks: ranks)
    }

    /// By the exchange between cards and its kernels.
    @Test(arguments: [Form.infonce, .augmented]) func asOneProcessOnTheEmulatedCard(_ form: Form) throws {
        try Self.expectAsOneProcess(form, ranks: 2, steps: 3, on: .emulated)
    }

    /// Twice the same bits, and also where a run goes on from what another one has left.
    @Test(arguments: [Form.infonce, .augmented]) func goesOnToTheSameBits(_ form: Form) throws {
        let whole = try Self.shared(form, among: 2, seed: 1, steps: 4)
        Self.expectSame(try Self.shared(form, among: 2, seed: 1, steps: 4)[0], whole[0], "a second time")
        let stopped = try Self.shared(form, among: 2, seed: 1, steps: 4, stopping: 2)
        for run in stopped { Self.expectSame(run, whole[0], "stopped") }
    }

    @Test func whatCannotBeSharedOut() throws {
        let kinds = try ThreadCommunicator.run(4) { communicator in
            let backend = try TestedBackend.plain.make(threads: 1), ranks = backend.ranks(over: communicator)
            return [(6, Form.none), (12, .infonce), (12, .none)].map { batch, form in
                var settings = Self.settings(form, ranks: 4, seed: 1, steps: 1)
                (settings.width, settings.batch) = (1, batch)
                return failure { _ = try GeneratorTrainer(settings, ranks: ranks, on: backend) }?.kind
            }
        }
        for own in kinds { #expect(own == [.usage, .usage, nil]) }
    }
}
