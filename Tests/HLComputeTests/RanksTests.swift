import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

/// Exchanges between ranks, which are threads here, on every backend.
struct RanksTests {
    /// Those of the build, and one that brings nothing but primitives.
    private static let names = testedBackends.map(\.name) + ["primitive"]

    private static func backend(_ name: String) throws -> any Backend {
        if name == "primitive" { return try PrimitiveBackend() }
        return try #require(TestedBackend.named(name)).make(threads: 1)
    }

    @Test(arguments: names, [1, 2, 3]) func rowsInRankOrder(_ name: String, count: Int) throws {
        let gathered = try ThreadCommunicator.run(count) { communicator in
            let backend = try Self.backend(name), ranks = backend.ranks(over: communicator)
            let own = (0..<2 * 3).map { Float(10 * communicator.rank + $0) }
            return try backend.read(ranks.gatherRows(backend.tensor(HostTensor(own, shape: [2, 3]))))
        }
        for tensor in gathered {
            #expect(tensor.shape == [2 * count, 3])
            #expect(tensor.floats == (0..<count).flatMap { rank in (0..<6).map { Float(10 * rank + $0) } })
        }
    }

    /// Tensors of sizes that the ranks do not divide, in two exchanges that are under way together.
    @Test(arguments: names, [1, 2, 3]) func sums(_ name: String, count: Int) throws {
        let sums = try ThreadCommunicator.run(count) { communicator in
            let backend = try Self.backend(name), ranks = backend.ranks(over: communicator)
            let tensors = [5, 1, 7].map { size in
                let values = (0..<size).map { Float(communicator.rank + 1) * Float($0 + size) }
                return backend.tensor(HostTensor(values, shape: [size]))
            }
            ranks.beginSum(Array(tensors[..<2]))
            ranks.beginSum(Array(tensors[2...]))
            ranks.finishSums()
            return try tensors.map { try backend.read($0).floats }
        }
        let factor = Float(count * (count + 1) / 2)
        for own in sums { #expect(own == [5, 1, 7].map { size in (0..<size).map { factor * Float($0 + size) } }) }
    }

    private struct Normalised: Sendable {
        var output: [Float] = []
        var running: [Float] = []
        var input: [Float] = []
        var weight: [Float] = []
        var bias: [Float] = []
    }

    /// Batch norm there and back on some of the samples.
    private static func normalise(
        _ backend: any Backend, _ x: HostTensor, _ gradient: HostTensor, pools: Bool, over ranks: (any Ranks)?
    ) throws -> Normalised {
        let channels = x.shape[1]
        let input = backend.tensor(x)
        let weight = backend.tensor(Formula.array("weight", [channels]) { 0.5 + $0 })
        let bias = backend.tensor(Formula.array("bias", [channels]) { $0 - 0.5 })
        let running = RunningStatistics(
            mean: backend.constant(0, shape: [channels]), variance: backend.constant(1, shape: [channels]))
        let output: Tensor, back: BatchNormGradients
        if pools {
            // Of one position each: the same values.
            let window = Window(size: 1)
            let made = backend.batchNormMaxPool(
                input, weight: weight, bias: bias, running: running, epsilon: 1e-5, groups: 2, window: window,
                over: ranks)
            output = made.output
            back = backend.batchNormMaxPoolBackward(
                backend.tensor(gradient), output: output, chosen: made.chosen, input: input, weight: weight,
                statistics: made.statistics, window: window)
        } else {
            let made = backend.batchNorm(
                input, weight: weight, bias: bias, running: running, epsilon: 1e-5, groups: 2, residual: nil,
                relu: true, over: ranks)
            output = made.output
            back = backend.batchNormBackward(
                backend.tensor(gradient), adding: nil, input: input, relu: .norm(output, bias: bias), weight: weight,
                statistics: made.statistics, wantsResidual: false)
        }
        return Normalised(
            output: try backend.read(output).floats,
            running: try backend.read(running.mean).floats + backend.read(running.variance).floats,
            input: try backend.read(back.input).floats, weight: try backend.read(back.weight).floats,
            bias: try backend.read(back.bias).floats)
    }

    /// What one process has of the whole batch the ranks have of it together, and running statistics are the same bits.
    @Test(arguments: names, [([12, 5, 3, 4], false), ([12, 6], false), ([12, 5, 3, 4], true)])
    func batchNorm(_ name: String, _ form: (shape: [Int], pools: Bool)) throws {
        let (shape, pools) = form
        let x = Formula.array("x", shape) { 3 * $0 - 1 }, gradient = Formula.array("gradient", shape) { $0 - 0.5 }
        let whole = try Self.normalise(Self.backend(name), x, gradient, pools: pools, over: nil)
        // Two groups of six samples: of each, rank r has two.
        @Sendable func rows(_ rank: Int) -> [Int] { [0, 6].flatMap { [$0 + 2 * rank, $0 + 2 * rank + 1] } }
        let parts = try ThreadCommunicator.run(3) { communicator in
            let backend = try Self.backend(name), own = rows(communicator.rank)
            return try Self.normalise(
                backend, x.gather(own), gradient.gather(own), pools: pools, over: backend.ranks(over: communicator))
        }
        func expect(_ values: [Float], _ expected: [Float], _ what: String) {
            #expect(values.count == expected.count)
            for (a, b) in zip(values, expected) { #expect(abs(a - b) < 2e-5, "\(what): \(a), \(b)") }
        }
        let size = x.rowSize
        for (rank, part) in parts.enumerated() {
            let places = rows(rank).flatMap { $0 * size..<($0 + 1) * size }
            expect(part.output, places.map { whole.output[$0] }, "output")
            expect(part.input, places.map { whole.input[$0] }, "gradient of the input")
            expect(part.running, whole.running, "running statistics")
            #expect(part.running == parts[0].running)
        }
        func sum(_ values: (Normalised) -> [Float]) -> [Float] {
            values(whole).indices.map { index in parts.reduce(0) { $0 + values($1)[index] } }
        }
        expect(sum(\.weight), whole.weight, "gradient of the scale")
        expect(sum(\.bias), whole.bias, "gradient of the shift")
    }

    /// Conditional batch norm there and back on some of the samples.
    private static func condition(
        _ backend: any Backend, _ inputs: [HostTensor], over ranks: (any Ranks)?
    ) throws -> Normalised {
        let tensors = inputs.map { backend.tensor($0) }, channels = inputs[0].shape[1]
        let running = RunningStatistics(
            mean: backend.constant(0, shape: [channels]), variance: backend.constant(1, shape: [channels]))
        let (output, statistics) = backend.conditionalNorm(
            tensors[0], gain: tensors[1], shift: tensors[2], running: running, epsilon: 1e-4, over: ranks)
        let back = backend.conditionalNormBackward(
            tensors[3], input: tensors[0], gain: tensors[1], shift: tensors[2], statistics: statistics)
        return Normalised(
            output: try backend.read(output).floats,
            running: try backend.read(running.mean).floats + backend.read(running.variance).floats,
            input: try backend.read(back.input).floats, weight: try backend.read(back.gain).floats,
            bias: try backend.read(back.shift).floats)
    }

    /// Samples that the ranks take in turns, whose gain and shift are each sample's own.
    @Test(arguments: names, [2, 3]) func conditionalNorm(_ name: String, count: Int) throws {
        let inputs = [
            Formula.array("x", [12, 5, 3, 4]) { 3 * $0 - 1 }, Formula.array("gain", [12, 5]) { 0.5 + $0 },
            Formula.array("shift", [12, 5]) { $0 - 0.5 }, Formula.array("gradient", [12, 5, 3, 4]) { $0 - 0.5 },
        ]
        let whole = try Self.condition(Self.backend(name), inputs, over: nil)
        @Sendable func rows(_ rank: Int) -> [Int] { Array(stride(from: rank, to: 12, by: count)) }
        let parts = try ThreadCommunicator.run(count) { communicator in
            let backend = try Self.backend(name)
            return try Self.condition(
                backend, inputs.map { $0.gather(rows(communicator.rank)) }, over: backend.ranks(over: communicator))
        }
        func expect(_ values: [Float], _ expected: [Float], _ what: String) {
            #expect(values.count == expected.count)
            for (a, b) in zip(values, expected) { #expect(abs(a - b) < 2e-5, "\(what): \(a), \(b)") }
        }
        for (rank, part) in parts.enumerated() {
            func own(_ values: [Float], _ size: Int) -> [Float] {
                rows(rank).flatMap { values[$0 * size..<($0 + 1) * size] }
            }
            expect(part.output, own(whole.output, 60), "output")
            expect(part.input, own(whole.input, 60), "gradient of the input")
            expect(part.weight, own(whole.weight, 5), "gradient of the gain")
            expect(part.bias, own(whole.bias, 5), "gradient of the shift")
            expect(part.running, whole.running, "running statistics")
            #expect(part.running == parts[0].running)
        }
    }

    // MARK: Sequences that are taken in turns

    @Test(arguments: [1, 2, 3], [3, 4, 7, 12]) func turns(count: Int, total: Int) throws {
        let found = try ThreadCommunicator.run(count) { communicator in
            let own = Array(stride(from: communicator.rank, to: total, by: count))
            #expect(communicator.share(of: total) == own.count)
            let words = communicator.inOrder(own.map { UInt64($0 * $0) }, of: total)
            var rows: [Float] = [], sizes: [Int] = []
            let values = HostTensor(own.flatMap { [Float($0), Float(-$0)] }, shape: [own.count, 2])
            communicator.bringInOrder(values, of: total, portion: 2) {
                rows += $0.floats
                sizes.append($0.rowCount)
            }
            return (words, rows, sizes)
        }
        let squares = (0..<total).map { UInt64($0 * $0) }
        let all: [Float] = (0..<total).flatMap { [Float($0), Float(-$0)] }
        for (rank, (words, rows, sizes)) in found.enumerated() {
            #expect(words == squares)
            #expect(rows == (rank > 0 ? [] : all))
            #expect(sizes.allSatisfy { $0 <= 2 * count })
        }
    }
}
