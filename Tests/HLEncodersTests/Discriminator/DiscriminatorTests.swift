import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import TestSupport
import Testing

@Suite struct DiscriminatorTests {
    /// By hand, and by counting all pairs.
    @Test func areaUnderTheCurve() {
        #expect(areaUnderCurve(real: [0.8, 0.9], generated: [0.1, 0.2]) == 1)
        #expect(areaUnderCurve(real: [0.1], generated: [0.9]) == 0)
        #expect(areaUnderCurve(real: [0.5, 0.5], generated: [0.5]) == 0.5)
        var random = RandomKey(seed: 3, purpose: .shuffle).sequence(id: 0)
        let real = (0..<83).map { _ in (random.uniform() * 20).rounded() / 20 + 0.1 }
        let generated = (0..<57).map { _ in (random.uniform() * 20).rounded() / 20 }
        var wins = 0.0
        for a in real { for b in generated { wins += a > b ? 1 : a == b ? 0.5 : 0 } }
        #expect(abs(areaUnderCurve(real: real, generated: generated) - wins / Double(83 * 57)) < 1e-12)
        #expect(areaUnderCurve(real: [], generated: [1]).isNaN)
    }

    /// Images of smooth noise; real ones have a bright square in the middle.
    private func images(_ count: Int, real: Bool, seed: Int64) -> HostTensor {
        var random = RandomKey(seed: 5, purpose: .noiseImage).sequence(id: seed)
        let side = 16
        var pixels = (0..<count * 3 * side * side).map { _ in random.uniform(0, 0.6) }
        if real {
            for plane in 0..<count * 3 {
                for y in 5..<11 { for x in 5..<11 { pixels[(plane * side + y) * side + x] += 0.3 } }
            }
        }
        return HostTensor(pixels, shape: [count, 3, side, side])
    }

    @Test func learnsADifferenceThatBlurLeaves() throws {
        let backend = try TestedBackend.fastest.make(threads: 2)
        var settings = DiscriminatorTrainer.Settings()
        settings.batch = 16
        settings.steps = 20
        settings.width = 8
        let trainer = try DiscriminatorTrainer(settings, side: 16, on: backend)
        func images(_ count: Int, real: Bool, seed: Int64) -> Tensor {
            backend.tensor(self.images(count, real: real, seed: seed))
        }
        let heldOut = (images(64, real: true, seed: 100), images(64, real: false, seed: 101))
        func auc() throws -> Double {
            areaUnderCurve(real: try trainer.scores(of: heldOut.0), generated: try trainer.scores(of: heldOut.1))
        }
        for step in 0..<20 {
            _ = try trainer.train(
                real: images(16, real: true, seed: Int64(step)),
                generated: images(16, real: false, seed: Int64(50 + step)),
                wantsLoss: step % 10 == 0)
        }
        let value = try auc()
        #expect(value > 0.95)
        // Through a file, the same scores; alone or in a batch, as well.
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("hl-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Safetensors.write(trainer.file(.init(auc: value, heldOut: 64), history: []), to: path)
        let loaded = try DiscriminatorCheckpoint.load(path: path, on: backend)
        #expect(loaded.auc == value)
        let together = try loaded.model.scores(of: heldOut.0, on: backend).floats
        #expect(together == (try trainer.scores(of: heldOut.0)))
        for row in [0, 17, 63] {
            let alone = try loaded.model.scores(of: backend.rows(heldOut.0, row..<row + 1), on: backend).floats
            #expect(alone == [together[row]])
        }
    }

    /// The blur of the paper's Appendix E, against its formula.
    @Test func blursAndNormalises() throws {
        var pixels = [Float](repeating: 0, count: 3 * 9 * 9)
        for plane in 0..<3 { pixels[(plane * 9 + 4) * 9 + 4] = 1 }
        let backend = try CPUBackend.plain(threads: 1), image = HostTensor(pixels, shape: [1, 3, 9, 9])
        let prepared = try backend.read(Discriminator.prepared(backend.tensor(image), side: 9, on: backend)).floats
        let taps = (-2...2).map { Foundation.exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
        let sum = taps.reduce(0, +)
        for (plane, (mean, deviation)) in [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)].enumerated() {
            for y in -2...2 {
                for x in -2...2 {
                    let expected = (taps[y + 2] * taps[x + 2] / (sum * sum) - mean) / deviation
                    #expect(abs(Double(prepared[(plane * 9 + 4 + y) * 9 + 4 + x]) - expected) < 1e-5)
                }
            }
        }
    }
}
