import Foundation
import HLCompute
import HLFormats
import HLStatistics
import HLTensor
import TestSupport
import Testing

/// What metrics of embeddings give where it is known, and what they refuse.
struct MetricPropertyTests {
    private let algebra: LinearAlgebra
    private let backend: any Backend

    init() throws {
        algebra = try LinearAlgebra(threads: 2)
        backend = try CPUBackend.plain(threads: 2)
    }

    private func measure(
        _ name: String, _ views: [HostTensor], _ reference: HostTensor? = nil,
        _ change: (inout MetricOptions) -> Void = { _ in }
    ) throws -> MetricResult {
        var options = MetricOptions()
        change(&options)
        let metric = try #require(EmbeddingMetrics[name: name])
        return try metric.measure(
            MetricInputs(
                SampledEmbeddings.set(views, metric.needs, algebra),
                reference: reference.map { SampledEmbeddings.set([$0], metric.needs, algebra) }, options: options,
                algebra: algebra, backend: backend))
    }

    private func value(
        _ name: String, _ views: [HostTensor], _ reference: HostTensor? = nil,
        _ change: (inout MetricOptions) -> Void = { _ in }
    ) throws -> Double { try measure(name, views, reference, change).values[0].value }

    private func embeddings(_ count: Int, _ dimension: Int, _ body: (Int, Int) -> Float) -> HostTensor {
        HostTensor((0..<count * dimension).map { body($0 / dimension, $0 % dimension) }, shape: [count, dimension])
    }

    // MARK: Known values

    /// As many equal singular values as dimensions, and collapse to one.
    @Test func rankMe() throws {
        let full = embeddings(64, 8) { $0 % 8 == $1 ? 3 : 0 }
        #expect(abs(try value("rankme", [full]) { $0.epsilon = 0 } - 8) < 1e-12)
        let collapsed = embeddings(64, 8) { Float($0 + 1) * Float($1 + 1) }
        #expect(abs(try value("rankme", [collapsed]) { $0.epsilon = 0 } - 1) < 1e-12)
        // Seven times −ε ln ε is what the paper's ε adds to the entropy there.
        let rest = exp(-7 * 1e-7 * log(1e-7))
        #expect(abs(try value("rankme", [collapsed]) / rest - 1) < 1e-6)
        // The smallest singular values count as much as they do: 1e-6 of the largest, whose square is lost beside 1.
        let small = embeddings(64, 8) { $0 % 8 == $1 ? ($1 == 0 ? 1 : 1e-6) : 0 }
        let (p, q) = (1 / (1 + 7e-6), 1e-6 / (1 + 7e-6))
        #expect(abs(log(try value("rankme", [small]) { $0.epsilon = 0 }) / -(p * log(p) + 7 * q * log(q)) - 1) < 1e-6)
    }

    /// Divided by their deviations features of any scale count alike, in distributions and rows; one that is constant
    /// stays.
    @Test func standardFeatures() throws {
        let scales: [Float] = [1, 1000, 0.001, 0]
        func sets(_ scales: [Float]) -> [EmbeddingSet] {
            let sets = [("s", Float(0.5)), ("r", 0)].map { name, offset in
                let cloud = SampledEmbeddings.embeddings(name, 60, 4, offset).floats
                let rows = embeddings(60, 4) { cloud[$0 * 4 + $1] * scales[$1] }
                return SampledEmbeddings.set([rows], [.distribution, .rows], algebra)
            }
            let deviations = FeatureDeviations(of: sets[1].distribution!)
            return sets.map { $0.divided(by: deviations) }
        }
        let plain = sets([1, 1, 1, 0]), scaled = sets(scales)
        for (one, other) in zip(plain, scaled) {
            for (x, y) in zip(one.rows!.floats, other.rows!.floats) { #expect(abs(x - y) <= 1e-5 * abs(x)) }
        }
        let distances = try [plain, scaled].map {
            try FrechetDistance.distance($0[0].distribution!, $0[1].distribution!, algebra: algebra)
        }
        #expect(distances[0] > 1 && abs(distances[0] / distances[1] - 1) < 1e-5)
        // By hand: the reference's own variances are 1, and 0 where it is constant.
        let rows = scaled[1].rows!.floats
        for column in 0..<4 {
            let values = (0..<60).map { Double(rows[$0 * 4 + column]) }, mean = values.reduce(0, +) / 60
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 59
            #expect(abs(variance - (column == 3 ? 0 : 1)) < 1e-5)
        }
        // What is made of the rows anew is the divided distribution.
        let anew = SampledEmbeddings.set([scaled[0].rows!], [.distribution], algebra)
        #expect(try FrechetDistance.distance(anew.distribution!, scaled[0].distribution!, algebra: algebra) < 1e-8)
    }

    @Test func alphaReQ() throws {
        // Variances r^-1.5 along the axes: each coordinate is ± its deviation, orthogonal to all others.
        let dimension = 16, count = 32
        let cloud = embeddings(count, dimension) { row, column in
            let sign = (row & (column + 1)).nonzeroBitCount % 2 == 0 ? 1.0 : -1.0
            return Float(sign * pow(Double(column + 1), -0.75))
        }
        #expect(abs(try value("alpha-req", [cloud]) { $0.ranks = 1...16 } - 1.5) < 1e-6)
    }

    @Test func alignmentAndUniformity() throws {
        let one = embeddings(10, 2) { $1 == 0 ? Float($0 + 1) : 0 }
        let other = embeddings(10, 2) { $1 == 0 ? 0 : Float($0 + 1) }
        #expect(abs(try value("alignment", [one, other]) - 2) < 1e-12)
        #expect(try value("alignment", [one, one, one]) == 0)
        // Directions are all alike, whatever their lengths.
        #expect(abs(try value("uniformity", [one])) < 1e-6)
        let opposite = embeddings(2, 3) { $0 == 0 ? Float($1) : -Float($1) }
        #expect(abs(try value("uniformity", [opposite]) + 8) < 1e-6)
        // Embeddings of zeros stay zeros, as in torch.nn.functional.normalize.
        #expect(try value("uniformity", [embeddings(3, 2) { _, _ in 0 }]) == 0)
    }

    @Test func frechet() throws {
        let cloud = SampledEmbeddings.embeddings("p", 500, 12)
        #expect(try value("frechet", [cloud], cloud) < 1e-12)
        // Moved: the distance of the means. Scaled by s: (s − 1)² tr Σ.
        let moved = HostTensor(cloud.floats.map { $0 + 0.5 }, shape: cloud.shape)
        #expect(abs(try value("frechet", [moved], cloud) - 3) < 1e-5)
        // A thousand times their spread from 0 the same.
        let far = [cloud, moved].map { HostTensor($0.floats.map { 512 + $0 }, shape: $0.shape) }
        #expect(abs(try value("frechet", [far[1]], far[0]) - 3) < 1e-3)
        // Sets of one point have no spread.
        let (a, b) = (embeddings(5, 3) { _, _ in 1 }, embeddings(9, 3) { _, _ in 3 })
        #expect(abs(try value("frechet", [a], b) - 12) < 1e-12)
    }

    /// Subsets, their mean and their deviation against all pairs in double precision.
    @Test func kernelSubsets() throws {
        let (samples, reference) = (
            SampledEmbeddings.embeddings("k.s", 400, 9, 0.2), SampledEmbeddings.embeddings("k.r", 350, 9, 0.25)
        )
        func kernel(_ x: [Float], _ i: Int, _ y: [Float], _ j: Int) -> Double {
            pow((0..<9).reduce(0.0) { $0 + Double(x[i * 9 + $1]) * Double(y[j * 9 + $1]) } / 9 + 1, 3)
        }
        let values = (0..<4).map { number in
            let (x, y) = [(reference, 0), (samples, 1)].map { set, group in
                let order = Permutation(
                    count: set.rowCount, seed: 5, purpose: .kernelSubset, group: group, epoch: number)
                return set.gather(order.elements(at: 0..<60)).floats
            }.pair
            var within = 0.0, between = 0.0
            for i in 0..<60 {
                for j in 0..<60 {
                    if i != j { within += kernel(x, i, x, j) + kernel(y, i, y, j) }
                    between += kernel(x, i, y, j)
                }
            }
            return within / (60 * 59) - 2 * between / (60 * 60)
        }
        let mean = values.reduce(0, +) / 4
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4).squareRoot()
        let result = try measure("kernel", [samples], reference) {
            $0.subsets = 4
            $0.subsetSize = 60
            $0.seed = 5
        }
        #expect(abs(result.values[0].value / mean - 1) < 1e-4)
        #expect(abs((try #require(result.values[0].deviation)) / deviation - 1) < 1e-4)
    }

    /// Products of single precision do even where the distance is a small part of the kernel's mean.
    @Test func kernelCancels() throws {
        let cloud = SampledEmbeddings.embeddings("k.c", 600, 16, 1)
        let other = SampledEmbeddings.embeddings("k.d", 600, 16, 1)
        func sum(_ x: [Float], _ y: [Float], skippingSame: Bool) -> Double {
            var total = 0.0
            for i in 0..<600 {
                for j in 0..<600 where !skippingSame || i != j {
                    var product = 0.0
                    for c in 0..<16 { product += Double(x[i * 16 + c]) * Double(y[j * 16 + c]) }
                    let base = product / 16 + 1
                    total += base * base * base
                }
            }
            return total
        }
        let (x, y) = (cloud.floats, other.floats)
        let expected =
            (sum(x, x, skippingSame: true) + sum(y, y, skippingSame: true)) / (600 * 599)
            - 2 * sum(x, y, skippingSame: false) / (600 * 600)
        #expect(abs(expected) < 0.05 * sum(x, y, skippingSame: false) / (600 * 600))
        #expect(abs(try value("kernel", [cloud], other) / expected - 1) < 1e-4)
    }

    // MARK: Refusals

    private func verdict(
        _ name: String, _ samples: Int, dimension: Int = 8, views: Int = 1, reference: Int? = nil,
        _ change: (inout MetricOptions) -> Void = { _ in }
    ) throws -> MetricVerdict {
        var options = MetricOptions()
        change(&options)
        return try #require(EmbeddingMetrics[name: name]).verdict(
            MetricSubject(
                dimension: dimension, samples: samples, views: views, referenceSamples: reference, options: options))
    }

    private func expect(_ verdict: MetricVerdict, _ kind: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let found =
            switch verdict {
            case .fine: "fine"
            case .doubtful: "doubtful"
            case .impossible: "impossible"
            case .absent: "absent"
            }
        #expect(found == kind, "\(verdict)", sourceLocation: sourceLocation)
    }

    @Test func verdicts() throws {
        try expect(verdict("rankme", 8), "impossible")
        try expect(verdict("rankme", 9), "fine")
        try expect(verdict("lidar", 100), "absent")
        try expect(verdict("lidar", 1, views: 2), "impossible")
        try expect(verdict("lidar", 8, views: 2), "doubtful")
        try expect(verdict("lidar", 9, views: 2), "fine")
        try expect(verdict("alignment", 9), "absent")
        try expect(verdict("alignment", 1, views: 2), "fine")
        try expect(verdict("uniformity", 1), "impossible")
        try expect(verdict("uniformity", 2), "fine")
        try expect(verdict("alpha-req", 9999), "impossible")
        try expect(verdict("alpha-req", 99, dimension: 128), "impossible")
        try expect(verdict("alpha-req", 120, dimension: 128), "doubtful")
        try expect(verdict("alpha-req", 129, dimension: 128), "fine")
        try expect(verdict("frechet", 1, reference: 99), "impossible")
        try expect(verdict("frechet", 99, reference: 8), "doubtful")
        try expect(verdict("frechet", 9, reference: 9), "fine")
        try expect(verdict("kernel", 1001, reference: 1000), "doubtful")
        try expect(verdict("kernel", 1001, reference: 1001), "fine")
        try expect(verdict("kernel", 9, reference: 9) { $0.subsetSize = 10 }, "impossible")
        try expect(verdict("kernel", 9, reference: 9) { $0.subsetSize = 0 }, "fine")
        try expect(verdict("precision-recall", 3, reference: 99), "impossible")
        try expect(verdict("precision-recall", 4, reference: 4), "fine")
        try expect(verdict("density-coverage", 99, reference: 5), "impossible")
        try expect(verdict("density-coverage", 4, reference: 4) { $0.neighbours = 2 }, "fine")
    }

    @Test func degenerate() throws {
        let zeros = embeddings(20, 4) { _, _ in 0 }, constant = embeddings(20, 4) { _, column in Float(column) }
        #expect(failure { _ = try value("rankme", [zeros]) }?.kind == .data)
        #expect(failure { _ = try value("lidar", [constant, constant]) }?.kind == .data)
        #expect(
            failure { _ = try value("alpha-req", [constant]) { $0.ranks = 1...4 } }?.what.contains("rank 0") == true)
        let huge = embeddings(20, 4) { row, column in Float(row * 4 + column) * 1e30 }
        #expect(failure { _ = try value("kernel", [huge], huge) }?.kind == .data)
        #expect(try value("rankme", [huge]) >= 1)
        #expect(try value("frechet", [huge], huge) < 1e50)
    }
}

extension Array {
    /// The two elements.
    fileprivate var pair: (Element, Element) { (self[0], self[1]) }
}
