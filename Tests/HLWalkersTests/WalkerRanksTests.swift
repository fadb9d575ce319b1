import HLCompute
import HLGenerators
import HLTensor
import HLViews
import HLWalkers
import OperationCases
import TestSupport
import Testing

/// Several ranks, threads here, that share out the anchors of every step train the walker that one process trains on all of
/// them.
struct WalkerRanksTests {
    private static let batch = 16, steps = 20

    private struct Run: Sendable {
        var losses: [Double] = []
        var walkerLosses: [Double] = []
        var changes: [Double] = []
        /// Of the last step, one anchor below the other.
        var deltas: [Float] = []
        var before: [Float] = []
        var after: [Float] = []
    }

    /// - Parameter order: places of this rank's anchors in every step's batch.
    private static func run(
        ranks: Int, order: [Int], seed: UInt64 = 3, steps: Int = steps, epsilon: Float = 1e-8,
        over communicator: (any Communicator)? = nil
    ) throws -> Run {
        let backend = try TestedBackend.fastest.make(threads: 1)
        var settings = WalkerSettings(chunks: try ChunkSet(parsing: "3-5"), isWhole: false)
        settings.batch = batch
        settings.width = 8
        settings.seed = seed
        settings.ranks = ranks
        let generator = try Shapes(try Shapes.specification(resolution: 32, clean: false), on: backend)
        let trainer = try WalkerTrainer(
            settings, generator: generator, ranks: communicator.map { backend.ranks(over: $0) },
            epsilon: epsilon)
        func weights() throws -> [Float] { try trainer.weights().flatMap(\.tensor.floats) }
        var run = Run(before: try weights())
        for step in 0..<steps {
            let z = Formula.array("walker.ranks.\(step)", [batch, 6, 20]) { 4 * $0 - 2 }.gather(order)
            let ids = HostTensor(order.map { Int64(batch * step + $0) }, shape: [order.count])
            let report = try trainer.train(on: z, ids: ids)
            run.losses.append(report.loss)
            run.walkerLosses.append(report.walkerLoss)
            run.changes.append(report.imageChange)
            run.deltas = report.deltas.floats
        }
        run.after = try weights()
        return run
    }

    private static func shared(
        among ranks: Int, seed: UInt64 = 3, steps: Int = steps, epsilon: Float = 1e-8
    ) throws -> [Run] {
        try ThreadCommunicator.run(ranks) { communicator in
            try run(
                ranks: ranks, order: Array(stride(from: communicator.rank, to: batch, by: ranks)), seed: seed,
                steps: steps, epsilon: epsilon, over: communicator)
        }
    }

    private static func deviations(_ run: Run, from whole: Run, _ values: KeyPath<Run, [Double]>) -> [Double] {
        zip(run[keyPath: values], whole[keyPath: values]).map { abs($0 - $1) / abs($1) }
    }

    /// At Adam's own ε five steps, before rounding has grown; at a larger one, where a gradient that is 0 but for rounding
    /// moves nothing, twenty. With some first weights a ReLU lies so near the border that another order of the anchors
    /// goes another way too; a mistake would show with all of them.
    @Test(arguments: [2, 4], [(steps: 5, epsilon: 1e-8 as Float), (steps: 20, epsilon: 0.1)])
    func sameTraining(ranks: Int, training: (steps: Int, epsilon: Float)) throws {
        let (steps, epsilon) = training
        var findings: [String] = []
        for seed in [1, 2, 4, 6] as [UInt64] {
            let whole = try Self.run(
                ranks: 1, order: Array(0..<Self.batch), seed: seed, steps: steps, epsilon: epsilon)
            let run = try Self.shared(among: ranks, seed: seed, steps: steps, epsilon: epsilon)[0]
            let losses = [\Run.losses, \Run.walkerLosses, \Run.changes].map { values in
                let found = Self.deviations(run, from: whole, values)
                return (first: found.prefix(5).max() ?? 1, all: found.max() ?? 1)
            }
            let share = Self.length(run.after, whole.after) / Self.length(whole.after, whole.before)
            if losses.allSatisfy({ $0.first < 1e-4 && $0.all < 1e-3 }) && share < 1e-2 { return }
            findings.append("seed \(seed): \(losses), weights \(share)")
        }
        Issue.record("\(findings.joined(separator: "; "))")
    }

    private static func length(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    }

    /// Rounding grows in such a training, as Adam makes a step of either sign of a gradient that is 0 but for rounding. How
    /// much is seen in one process that takes the same anchors in another order; ranks are not much further away.
    @Test(arguments: [2, 4]) func asOneProcess(ranks: Int) throws {
        let whole = try Self.run(ranks: 1, order: Array(0..<Self.batch))
        let reordered = try Self.run(ranks: 1, order: Array((0..<Self.batch).reversed()))
        let runs = try Self.shared(among: ranks)
        for values in [\Run.losses, \Run.walkerLosses, \Run.changes] {
            let found = Self.deviations(runs[0], from: whole, values)
            let usual = Self.deviations(reordered, from: whole, values)
            #expect(found[0] < 1e-4 && found[1] < 1e-4, "\(found)")
            #expect((found.max() ?? 1) < 4 * (usual.max() ?? 0) + 1e-3, "\(found), \(usual)")
        }
        for run in runs {
            #expect(run.after == runs[0].after && run.losses == runs[0].losses && run.deltas == runs[0].deltas)
        }
        #expect(whole.before == runs[0].before)
        let update = Self.length(whole.after, whole.before)
        let found = Self.length(runs[0].after, whole.after), usual = Self.length(reordered.after, whole.after)
        #expect(found < 3 * usual + 1e-2 * update, "\(found), \(usual), \(update)")
        #expect(found < 0.5 * update)
        // One anchor has three chunks; the ranks' anchors stand one rank behind the other.
        let order = (0..<ranks).flatMap { stride(from: $0, to: Self.batch, by: ranks) }
        for (place, anchor) in order.enumerated() {
            for chunk in 0..<3 {
                let (a, b) = (runs[0].deltas[3 * place + chunk], whole.deltas[3 * anchor + chunk])
                #expect(abs(a - b) < 0.1 * abs(b))
            }
        }
    }
}
