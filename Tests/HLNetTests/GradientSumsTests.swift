import HLCompute
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

/// Gradients of ranks, threads here, that leave in pieces.
struct GradientSumsTests {
    /// Passes on what two ranks exchange, and counts the sums.
    private final class Counting: Communicator {
        private let communicator: any Communicator
        private(set) var begun = 0
        var rank: Int { communicator.rank }
        var count: Int { communicator.count }
        var summary: String { communicator.summary }

        init(_ communicator: any Communicator) { self.communicator = communicator }

        func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
            communicator.gather(own, into: all)
        }

        func beginSum(_ values: UnsafeMutableBufferPointer<Float>, done: @escaping @Sendable () -> Void) {
            begun += 1
            communicator.beginSum(values, done: done)
        }

        func finishSums() { communicator.finishSums() }
    }

    private struct Sums: Sendable {
        var gradients: [[Float]] = []
        var beforeTheEnd = 0
        var inAll = 0
    }

    /// Three layers of `width`² weights; of one rank alone where there is no communicator.
    private static func run(
        _ rank: Int, width: Int, bucketBytes: Int?, over communicator: (any Communicator)? = nil
    ) throws -> Sums {
        let backend = try BackendChoice.plain.make(threads: 1)
        let layers = (0..<3).map { _ in Linear(backend, width, width) }
        for (index, layer) in layers.enumerated() {
            backend.assign(Formula.centred("sums.\(index)", [width, width]), to: layer.weight.value)
        }
        let tape = Tape(backend), pass = Pass(tape, training: true), counting = communicator.map { Counting($0) }
        let sums = counting.map { counting in
            let ranks = backend.ranks(over: counting), parameters = layers.map(\.weight)
            return bucketBytes.map { GradientSums(ranks, of: parameters, on: tape, bucketBytes: $0) }
                ?? GradientSums(ranks, of: parameters, on: tape)
        }
        let x = Variable(backend.tensor(Formula.centred("sums.x.\(rank)", [2, width])))
        let y = layers.reduce(x) { $1($0, pass) }
        tape.backward(from: y, gradient: backend.constant(1, shape: [2, width]))
        var found = Sums(beforeTheEnd: counting?.begun ?? 0)
        sums?.finish()
        found.inAll = counting?.begun ?? 0
        found.gradients = try layers.map { try backend.read(try #require($0.weight.gradient)).floats }
        return found
    }

    /// Pieces of one weight, of two and of all: they leave on the way back, the rest at its end, and nothing is left out
    /// or added twice.
    @Test(arguments: [
        (bytes: 1, before: 3, all: 3), (bytes: 600, before: 1, all: 2), (bytes: 1 << 20, before: 0, all: 1),
    ])
    func pieces(_ bytes: Int, before: Int, all: Int) throws {
        let alone = try (0..<2).map { try Self.run($0, width: 10, bucketBytes: bytes).gradients }
        let sums = try ThreadCommunicator.run(2) {
            try Self.run($0.rank, width: 10, bucketBytes: bytes, over: $0)
        }
        for sum in sums {
            #expect(sum.beforeTheEnd == before && sum.inAll == all)
            for (layer, gradient) in sum.gradients.enumerated() {
                #expect(gradient == zip(alone[0][layer], alone[1][layer]).map { $0 + $1 })
            }
        }
    }

    /// 4.2 MB of each weight are enough to leave.
    @Test func byDefault() throws {
        for sum in try ThreadCommunicator.run(2, { try Self.run($0.rank, width: 1025, bucketBytes: nil, over: $0) }) {
            #expect(sum.beforeTheEnd == 3 && sum.inAll == 3)
        }
    }
}
