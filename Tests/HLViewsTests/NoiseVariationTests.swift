import HLFormats
import HLGenerators
import HLTensor
import HLViews
import Testing

/// Groups that move sometimes, by a σ that is drawn.
struct NoiseVariationTests {
    private let count = 20_000

    private func groups(_ texts: [String]) throws -> [PerturbationGroup] {
        try texts.map { try PerturbationGroup(parsing: $0) }
    }

    private var ids: HostTensor { HostTensor((0..<Int64(count)).map { $0 }, shape: [count]) }

    /// z.1 of anchors that are 0, chunk by chunk: 6 of 20.
    private func moved(_ perturbation: RandomPerturbation, _ ids: HostTensor) throws -> [[[Float]]] {
        let zeros = HostTensor([Float](repeating: 0, count: ids.elementCount * 120), shape: [ids.elementCount, 6, 20])
        return try perturbation.apply(to: zeros, ids: ids, threads: 3).map(\.floats).map { values in
            stride(from: 0, to: values.count, by: 20).map { Array(values[$0..<$0 + 20]) }
        }
    }

    /// Every group has its own coin, of the probability that was asked for; who moves has the noise of always.
    @Test func movesWithItsProbability() throws {
        let texts = ["1", "3-4"]
        let some = try moved(
            RandomPerturbation(groups: groups(texts.map { $0 + ":prob=0.3" }), seed: 5, views: 2), ids)
        let all = try moved(RandomPerturbation(groups: groups(texts), seed: 5, views: 2), ids)
        for view in 0...1 {
            func moves(_ sample: Int, _ chunk: Int) -> Bool { some[view][6 * sample + chunk].contains { $0 != 0 } }
            var counts = [0, 0], both = 0
            for sample in 0..<count {
                #expect(moves(sample, 3) == moves(sample, 4))
                for chunk in [0, 2, 5] { #expect(!moves(sample, chunk)) }
                for (number, chunk) in [1, 3].enumerated() where moves(sample, chunk) {
                    counts[number] += 1
                    #expect(some[view][6 * sample + chunk] == all[view][6 * sample + chunk])
                }
                if moves(sample, 1) && moves(sample, 3) { both += 1 }
            }
            // 4 standard errors: √(0.3 · 0.7 / 20,000) = 0.0032, and 0.0020 of the 0.09 that are both.
            for count in counts { #expect(abs(Double(count) / Double(self.count) - 0.3) < 0.013, "view \(view)") }
            #expect(abs(Double(both) / Double(count) - 0.09) < 0.0081)
        }
    }

    /// σ is uniform in its range: over many samples the mean square of N^t(0, σ, ∞) is the mean of σ², which between 0.5 and
    /// 1.5 is (1.5³ − 0.5³) / 3; and no sample is beyond its bounds.
    @Test func drawsStandardDeviations() throws {
        let perturbation = try RandomPerturbation(groups: groups(["1-5:std=0.5..1.5,trunc=inf"]), seed: 1)
        let chunks = try moved(perturbation, ids)[0]
        let sizes = (0..<count).map { sample in
            (chunks[6 * sample + 1...6 * sample + 5].joined().reduce(0.0) { $0 + Double($1) * Double($1) } / 100)
        }
        #expect(abs(sizes.reduce(0, +) / Double(count) - 3.25 / 3) < 0.02)
        // The root mean square of 100 values has a relative deviation of 1/√200.
        let roots = sizes.map { $0.squareRoot() }.sorted()
        #expect(roots[0] > 0.5 * 0.7 && roots[count - 1] < 1.5 * 1.3)
        #expect(abs(roots[count / 4] - 0.75) < 0.03 && abs(roots[3 * count / 4] - 1.25) < 0.03)
        // Cut off at t times the σ of each sample.
        let cut = try moved(RandomPerturbation(groups: groups(["0:std=0..2,trunc=1,mean=1"]), seed: 1), ids)[0]
        for sample in 0..<count { for x in cut[6 * sample] { #expect(x >= -1 && x <= 3) } }
        #expect((0..<count).contains { sample in cut[6 * sample].contains { $0 < -0.5 } })
    }

    @Test func dependsOnTheSampleAlone() throws {
        let perturbation = try RandomPerturbation(
            groups: groups(["0:std=0..1,prob=0.5", "2-3:prob=0.5"]), seed: 9, views: 2)
        let whole = try moved(perturbation, ids)
        let some = [17, 3, 19_999].map { Int64($0) }
        for (view, chunks) in try moved(perturbation, HostTensor(some, shape: [3])).enumerated() {
            for (row, id) in some.enumerated() {
                #expect(Array(chunks[6 * row..<6 * row + 6]) == Array(whole[view][6 * Int(id)..<6 * Int(id) + 6]))
            }
        }
    }

    /// Where chunks are drawn anew, who does not move keeps the anchor's.
    @Test func redrawsSometimes() throws {
        let perturbation = try RandomPerturbation(groups: groups(["1:mean=5,prob=0.5"]), seed: 2, isRedrawn: true)
        let chunks = try moved(perturbation, ids)[0]
        let kept = (0..<count).filter { sample in chunks[6 * sample + 1].allSatisfy { $0 == 0 } }.count
        let redrawn = (0..<count).filter { sample in chunks[6 * sample + 1].allSatisfy { $0 >= 3 } }.count
        #expect(kept + redrawn == count && abs(kept - count / 2) < 300)
    }
}
