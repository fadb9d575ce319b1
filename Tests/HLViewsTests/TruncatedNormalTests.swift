import CKernels
import Foundation
import HLFormats
import HLTensor
import HLViews
import Testing

struct TruncatedNormalTests {
    private let key = RandomKey(seed: 42, purpose: .anchor)

    private func quantiles(_ words: [UInt32], trunc: Double, mean: Double = 0, std: Double = 1) -> [Float] {
        var values = [Float](repeating: 0, count: words.count)
        hl_truncated_normal_quantiles(words, words.count, mean, std, trunc, &values)
        return values
    }

    @Test func quantilesAgreeWithScipyInCentreAndTails() throws {
        let table = try fixture("quantiles")
        let words = try #require(table["words"]).numbers.map { UInt32($0) }
        let tables = try #require(table["tables"]?.array)
        #expect(words.count > 60 && tables.count == 7)
        for entry in tables {
            let trunc = entry["trunc"]?.number ?? .infinity
            let expected = try #require(entry["values"]).numbers
            let lower = quantiles(words, trunc: trunc)
            let upper = quantiles(words.map { ~$0 }, trunc: trunc)
            #expect(expected.count == words.count)
            for i in words.indices {
                #expect(abs(Double(lower[i]) / expected[i] - 1) < 1e-6, "t \(trunc), word \(words[i])")
                #expect(upper[i] == -lower[i], "t \(trunc), word \(words[i])")
            }
        }
    }

    /// The Kolmogorov-Smirnov distance of 10⁶ values to the distribution function, written with erf, stays below its
    /// 0.1 % point, and so does each tail of a hundredth, seen as a sample of its own.
    @Test(arguments: [1.0, 2.0, 6.0])
    func followsTheDistribution(trunc: Double) throws {
        let noise = try TruncatedNormal(mean: 0.25, standardDeviation: 1.5, truncation: trunc)
        let count = 1_000_000
        var values = noise.draw(first: 0, count: count / 20, perSample: 20, key: key).floats
        values.sort()
        func lowerTail(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
        let edge = lowerTail(-trunc), mass = erf(trunc / 2.0.squareRoot())
        let probabilities = values.map { (lowerTail((Double($0) - 0.25) / 1.5) - edge) / mass }

        func distance(_ sorted: ArraySlice<Double>) -> Double {
            let n = Double(sorted.count)
            var worst = 0.0
            for (rank, p) in sorted.enumerated() {
                worst = max(worst, Double(rank + 1) / n - p, p - Double(rank) / n)
            }
            return worst * n.squareRoot()
        }
        #expect(distance(probabilities[...]) < 1.95)
        let tail = 0.01
        let low = probabilities.prefix { $0 < tail }.map { $0 / tail }
        let high = probabilities.reversed().prefix { $0 > 1 - tail }.map { (1 - $0) / tail }
        for part in [low, high] {
            // The tail's weight within five standard deviations, and its shape.
            let expected = tail * Double(count)
            #expect(abs(Double(part.count) - expected) < 5 * expected.squareRoot())
            #expect(distance(part[...]) < 1.95)
        }
    }

    @Test func staysWithinTheInterval() throws {
        let words: [UInt32] = [0, 1, 2, .max - 1, .max, 1 << 31]
        for (mean, std, trunc) in [(0.0, 1.0, 2.0), (0.1, 0.3, 1.0), (-5, 0.05, 2), (3, 0.15, 0.9), (1e6, 1e-3, 1)] {
            for value in quantiles(words, trunc: trunc, mean: mean, std: std) {
                #expect(abs(Double(value) - mean) <= trunc * std || value == Float(mean))
            }
        }
        #expect(quantiles(words, trunc: 2, mean: 0.5, std: 0) == Array(repeating: 0.5, count: words.count))
        #expect(quantiles(words, trunc: .infinity, mean: 0.5, std: 0) == Array(repeating: 0.5, count: words.count))
    }

    @Test func valueComesFromTheSamplesOwnWord() throws {
        let noise = try TruncatedNormal(mean: 1, standardDeviation: 0.5, truncation: 2)
        for perSample in [1, 2, 6, 120, 1025] {
            let first: Int64 = (1 << 32) - 2
            let rows = noise.draw(first: first, count: 5, perSample: perSample, key: key)
            #expect(rows.shape == [5, perSample])
            for row in 0..<5 {
                var sequence = key.sequence(id: first + Int64(row))
                let words = (0..<perSample).map { _ in sequence.nextWord() }
                #expect(rows.rows(row..<row + 1).floats == quantiles(words, trunc: 2, mean: 1, std: 0.5))
            }
        }
    }

    @Test(arguments: [7, 120])
    func dependsOnNeitherBatchNorThreadsNorShard(perSample: Int) throws {
        let count = 2000
        let whole = TruncatedNormal.standard.draw(first: 0, count: count, perSample: perSample, key: key)
        let threaded = TruncatedNormal.standard.draw(
            first: 0, count: count, perSample: perSample, key: key, threads: 7)
        #expect(threaded.floats == whole.floats)
        let parts = [0..<1, 1..<300, 300..<1999, 1999..<2000].map {
            TruncatedNormal.standard.draw(first: Int64($0.lowerBound), count: $0.count, perSample: perSample, key: key)
        }
        #expect(HostTensor.concatenate(parts).floats == whole.floats)
        let shard = stride(from: 1, to: count, by: 3).map { Int64($0) }
        let sharded = TruncatedNormal.standard.draw(
            ids: HostTensor(shard, shape: [shard.count]), perSample: perSample, key: key, threads: 3)
        #expect(sharded.floats == whole.gather(shard.map { Int($0) }).floats)
    }

    @Test func emptyDrawsAreEmpty() {
        #expect(TruncatedNormal.standard.draw(first: 0, count: 0, perSample: 5, key: key).shape == [0, 5])
        #expect(TruncatedNormal.standard.draw(first: 0, count: 3, perSample: 0, key: key, threads: 2).shape == [3, 0])
        let none = HostTensor([] as [Int64], shape: [0])
        #expect(TruncatedNormal.standard.draw(ids: none, perSample: 5, key: key).shape == [0, 5])
    }

    @Test func refusesWhatIsNoDistribution() {
        let bad: [(Double, Double, Double)] = [
            (.nan, 1, 2), (.infinity, 1, 2), (0, -1, 2), (0, .nan, 2), (0, .infinity, 2), (0, 1, 0), (0, 1, -2),
            (0, 1, .nan), (0, 1e30, 2), (1e31, 1, 2),
        ]
        for (mean, std, trunc) in bad {
            let failure = #expect(throws: Failure.self) {
                try TruncatedNormal(mean: mean, standardDeviation: std, truncation: trunc)
            }
            #expect(failure?.kind == .usage)
        }
    }

    @Test func describesItself() throws {
        let noise = try TruncatedNormal(mean: 0, standardDeviation: 0.05, truncation: 2)
        #expect(noise.text == "N^t(0, 0.05, 2)")
        #expect(noise.json["std"]?.number == 0.05 && noise.json["trunc"]?.number == 2)
        let plain = try TruncatedNormal(standardDeviation: 1, truncation: .infinity)
        #expect(plain.text == "N^t(0, 1, inf)")
        #expect(plain.json["trunc"] == .null)
    }
}
