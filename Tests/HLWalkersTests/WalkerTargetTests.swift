import HLCompute
import HLGenerators
import HLNet
import HLTensor
import HLViews
import HLWalkers
import Testing

/// Which values of the latent T moves.
@Suite struct WalkerTargetTests {
    private let shapes = GeneratorSpecification(name: "shapes", chunks: 3, dimension: 2, resolution: 64)

    private func moved(_ target: WalkerTarget, _ steps: HostTensor, _ z: HostTensor) throws -> [Float] {
        let backend = try CPUBackend.plain(threads: 1), pass = Pass(Tape(backend, recording: false), training: false)
        return try backend.read(target.adding(Variable(backend.tensor(steps)), to: z, pass).value).floats
    }

    @Test func chunksAreLaidEndToEnd() throws {
        let target = try WalkerTarget(ChunkSet(parsing: "0,2"), of: shapes)
        #expect(target.dimension == 4 && target.space == .z && !target.isWhole)
        let z = HostTensor((0..<12).map(Float.init), shape: [2, 3, 2])
        #expect(target.gather(from: z).floats == [0, 1, 4, 5, 6, 7, 10, 11])
        let steps = HostTensor([1, 2, 3, 4, 10, 20, 30, 40] as [Float], shape: [2, 4])
        #expect(try moved(target, steps, z) == [1, 3, 2, 3, 7, 9, 16, 27, 8, 9, 40, 51])
        #expect(z.floats == (0..<12).map(Float.init))
        let lengths = target.lengths(of: steps)
        #expect(lengths.shape == [2, 2])
        for (length, square) in zip(lengths.floats, [5, 25, 500, 2500] as [Float]) {
            #expect(abs(length - square.squareRoot()) < 1e-5)
        }
    }

    @Test func mappedLatentsMoveAsAWhole() throws {
        let mapped = GeneratorSpecification(
            name: "stylegan2", chunks: 1, dimension: 3, mapped: LatentShape(chunks: 4, dimension: 3), resolution: 8)
        let target = try WalkerTarget(ChunkSet(parsing: "1-2"), of: mapped)
        #expect(target.dimension == 3 && target.space == .w && !target.isWhole)
        let z = HostTensor([1, 2, 3] as [Float], shape: [1, 1, 3])
        #expect(try moved(target, target.gather(from: z), z) == [2, 4, 6])
        #expect(target.lengths(of: HostTensor([3, 4, 0] as [Float], shape: [1, 3])).floats == [5])
        #expect(try WalkerTarget(ChunkSet(all: 4), of: mapped).isWhole)
    }

    @Test func chunksThatTheGeneratorLacks() {
        #expect(throws: Failure.self) { _ = try WalkerTarget(ChunkSet(3), of: shapes) }
    }
}
