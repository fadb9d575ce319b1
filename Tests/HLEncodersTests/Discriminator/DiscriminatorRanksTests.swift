import HLCompute
import HLEncoders
import HLFormats
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// Several ranks, threads here, that share out the images of every step train the discriminator that one process trains
    /// on all of them.
    struct DiscriminatorRanksTests {
        private static let batch = 8, side = 32

        private struct Run: Sendable {
            var losses: [Double] = []
            var before = NamedTensors()
            var after = NamedTensors()
        }

        /// Smooth noise; real images have a bright square in the middle.
        private static func image(_ id: Int, isReal: Bool) -> HostTensor {
            var pixels = Formula.array("discriminator.ranks.\(id).\(isReal)", [1, 3, side, side]) { 0.7 * $0 }.floats
            for index in pixels.indices where isReal {
                let row = index / side % side, column = index % side
                if (12..<20).contains(row) && (12..<20).contains(column) { pixels[index] += 0.3 }
            }
            return HostTensor(pixels, shape: [1, 3, side, side])
        }

        /// - Parameters:
        ///   - order: places of this rank's images in every step's batch.
        ///   - stopping: the step after which the training goes on in another trainer.
        private static func run(
            ranks: Int, order: [Int], seed: UInt64, steps: Int, stopping: Int? = nil,
            over communicator: (any Communicator)? = nil, on choice: TestedBackend = .fastest
        ) throws -> Run {
            let backend = try choice.make(threads: 1), all = communicator.map { backend.ranks(over: $0) }
            var settings = DiscriminatorTrainer.Settings()
            (settings.batch, settings.steps, settings.width) = (batch, 20, 8)
            (settings.seed, settings.ranks) = (seed, ranks)
            func make() throws -> DiscriminatorTrainer {
                try DiscriminatorTrainer(settings, side: side, ranks: all, on: backend)
            }
            var trainer = try make(), run = Run()
            run.before = try trainer.state()
            for step in 0..<steps {
                if step == stopping {
                    let next = try make()
                    try next.restore(try trainer.state(), step: step)
                    trainer = next
                }
                func images(_ isReal: Bool) -> Tensor {
                    backend.tensor(
                        HostTensor.concatenate(order.map { image(batch * step + $0, isReal: isReal) }))
                }
                run.losses.append(
                    try #require(try trainer.train(real: images(true), generated: images(false), wantsLoss: true)))
            }
            run.after = try trainer.state()
            return run
        }

        private static func shared(
            among ranks: Int, seed: UInt64, steps: Int, stopping: Int? = nil, on choice: TestedBackend = .fastest
        ) throws -> [Run] {
            try ThreadCommunicator.run(ranks) { communicator in
                try run(
                    ranks: ranks, order: Array(stride(from: communicator.rank, to: batch, by: ranks)), seed: seed,
                    steps: steps, stopping: stopping, over: communicator, on: choice)
            }
        }

        private static func bytes(_ tensors: NamedTensors) -> [[UInt8]] {
            tensors.map { $0.tensor.withUnsafeBytes { [UInt8]($0) } }
        }

        private static func expectSame(_ a: Run, _ b: Run) {
            #expect(a.losses == b.losses)
            let isSame = bytes(a.after) == bytes(b.after)
            #expect(isSame)
        }

        /// ‖a − b‖ over all that gradients train, and running statistics.
        private static func distance(_ a: NamedTensors, _ b: NamedTensors) -> Double {
            a.filter { $0.tensor.type == .f32 && !$0.name.hasPrefix("optimiser.") }.reduce(0.0) { sum, entry in
                zip(entry.tensor.floats, b[entry.name]?.floats ?? []).reduce(sum) {
                    $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
                }
            }.squareRoot()
        }

        private static func differences(_ runs: [Run], from whole: Run) -> [String] {
            for run in runs { expectSame(run, runs[0]) }
            var found: [String] = []
            for (step, (a, b)) in zip(runs[0].losses, whole.losses).enumerated() where abs(a - b) >= 1e-4 * abs(b) {
                found.append("loss \(a), not \(b), in step \(step)")
            }
            let share = distance(runs[0].after, whole.after) / distance(whole.after, whole.before)
            if share >= 1e-2 { found.append("weights \(share) of the update") }
            return found
        }

        private static func expectAsOneProcess(ranks: Int, steps: Int, on choice: TestedBackend = .fastest) throws {
            var found: [String] = []
            // As in `RanksTrainingTests`: a ReLU may lie so near the border that another order goes another way.
            for seed in [1, 2, 3, 4] as [UInt64] {
                let whole = try run(ranks: 1, order: Array(0..<batch), seed: seed, steps: steps, on: choice)
                let differences = differences(
                    try shared(among: ranks, seed: seed, steps: steps, on: choice), from: whole)
                if differences.isEmpty { return }
                found += differences.map { "seed \(seed): \($0)" }
            }
            Issue.record("\(found.joined(separator: "; "))")
        }

        @Test(arguments: [2, 4, 8]) func asOneProcess(ranks: Int) throws {
            try Self.expectAsOneProcess(ranks: ranks, steps: 5)
        }

        @Test func asOneProcessOnTheEmulatedCard() throws {
            try Self.expectAsOneProcess(ranks: 2, steps: 3, on: .emulated)
        }

        @Test func goesOnToTheSameBits() throws {
            let whole = try Self.shared(among: 2, seed: 1, steps: 6)
            Self.expectSame(try Self.shared(among: 2, seed: 1, steps: 6)[0], whole[0])
            for run in try Self.shared(among: 2, seed: 1, steps: 6, stopping: 3) { Self.expectSame(run, whole[0]) }
        }
    }
}
