import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    @Suite struct NearestNeighboursTests {
        /// The samples that `Fixtures/README.md` describes.
        private func samples(_ name: String, _ count: Int) -> LinearProbe.Samples {
            let values = Formula.uniform(name, count * 16), centres = Formula.uniform("knn.centres", 5 * 16)
            let features = values.indices.map { index -> Float in
                let label = index / 16 % 5
                let centre = Double(centres[label * 16 + index % 16]) - 0.5
                return Float(Double(values[index]) - 0.5 + 0.5 * centre)
            }
            return LinearProbe.Samples(
                features: HostTensor(features, shape: [count, 16]), labels: (0..<count).map { Int32($0 % 5) })
        }

        @Test(arguments: [("k200", 200, 0.1), ("k20", 20, 0.07), ("k1", 1, 0.07)])
        func scoresAgreeWithPyTorch(name: String, k: Int, temperature: Double) throws {
            let file = try EncodersTests.fixture("neighbours"), train = samples("knn.train", 300),
                test = samples("knn.test", 100)
            let scores = try NearestNeighbours(k: k, temperature: temperature).scores(
                train: train, test: test.features, classes: 5, on: try CPUBackend.plain(threads: 1))
            let expected = try #require(file.tensors["\(name).scores"])
            #expect(scores.shape == expected.shape)
            for (a, b) in zip(scores.floats, expected.floats) { #expect(abs(a - b) <= 2e-5 * max(abs(b), 1)) }

            let predictions = try #require(file.tensors["\(name).predictions"]).integers.map(Int32.init)
            #expect(ProbeScore(scores: scores, labels: predictions).top1 == 1)
            let top1 = try #require(file.metadata["\(name).top1"].flatMap { Double($0) })
            let score = ProbeScore(scores: scores, labels: test.labels).top1
            #expect(abs(score - top1) < 1e-9 || abs(100 * score - top1) < 1e-9)
        }

        @Test func trainSetsBeyondOneBlockAndFewerSamplesThanNeighboursWork() throws {
            // 9000 copies of one direction and a single sample of another, the very last: only a search through all blocks
            // finds it.
            var features: [Float] = [], labels: [Int32] = []
            for index in 0..<9000 {
                features += [1, Float(index % 3) * 0.01]
                labels.append(0)
            }
            features += [0, 1]
            labels.append(1)
            let train = LinearProbe.Samples(features: HostTensor(features, shape: [9001, 2]), labels: labels)
            let test = HostTensor([0, 2, 5, 0] as [Float], shape: [2, 2])
            let nearest = try NearestNeighbours(k: 1).scores(
                train: train, test: test, classes: 2, on: try CPUBackend.plain(threads: 1)
            ).floats
            #expect(nearest[0] == 0 && nearest[1] > 20000 && nearest[2] > 20000 && nearest[3] == 0)

            let few = LinearProbe.Samples(
                features: HostTensor([1, 0, 0, 1] as [Float], shape: [2, 2]), labels: [0, 1])
            let all = try NearestNeighbours(k: 200, temperature: 1).scores(
                train: few, test: HostTensor([3, 0] as [Float], shape: [1, 2]), classes: 2,
                on: try CPUBackend.plain(threads: 1)
            ).floats
            #expect(abs(all[0] - Float(M_E)) < 1e-5 && abs(all[1] - 1) < 1e-5)
        }
    }
}
