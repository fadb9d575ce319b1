import HLCompute
import HLFormats
import HLStatistics
import HLTensor
import TestSupport
import Testing

/// Metrics of embeddings against `Fixtures/make_metrics.py`: scipy, torchmetrics, prdc, and transcriptions of the papers.
struct MetricFixtureTests {
    private let expected: JSONValue
    private let algebra: LinearAlgebra
    private let backend: any Backend

    init() throws {
        expected = try fixture("metrics")
        algebra = try LinearAlgebra(threads: 2)
        backend = try CPUBackend.plain(threads: 2)
    }

    private static let samples = SampledEmbeddings.views("metrics.samples", 300, 24, 4)
    private static let reference = SampledEmbeddings.embeddings("metrics.reference", 260, 24, 0.3)

    private func values(
        _ name: String, _ views: [HostTensor], reference: HostTensor? = nil,
        _ change: (inout MetricOptions) -> Void = { _ in }
    ) throws -> [Double] {
        var options = MetricOptions()
        change(&options)
        let metric = try #require(EmbeddingMetrics[name: name])
        let inputs = MetricInputs(
            SampledEmbeddings.set(views, metric.needs, algebra),
            reference: reference.map { SampledEmbeddings.set([$0], metric.needs, algebra) }, options: options,
            algebra: algebra, backend: backend)
        return try metric.measure(inputs).values.map(\.value)
    }

    private func expect(
        _ found: [Double], _ key: String, within tolerance: Double, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let value = try #require(expected[key]?.number)
        #expect(found.count == 1, sourceLocation: sourceLocation)
        #expect(
            abs(found[0] - value) <= tolerance * abs(value), "\(key): \(found) and \(value)",
            sourceLocation: sourceLocation)
    }

    @Test func ofOneSet() throws {
        let all = Self.samples
        try expect(values("rankme", [all[0]]), "rankme", within: 1e-9)
        try expect(values("rankme", [all[0]]) { $0.epsilon = 1e-3 }, "rankme_epsilon", within: 1e-9)
        try expect(values("alpha-req", [all[0]]) { $0.ranks = 2...20 }, "alpha_req", within: 1e-9)
        // Single precision is seen here.
        try expect(values("uniformity", [all[0]]), "uniformity", within: 1e-6)
    }

    @Test func ofViews() throws {
        let all = Self.samples
        try expect(values("lidar", all), "lidar", within: 1e-9)
        try expect(values("lidar", Array(all[1...2])), "lidar_two_views", within: 1e-9)
        try expect(values("lidar", all.map { $0.rows(0..<10) }), "lidar_few", within: 1e-7)
        try expect(values("alignment", all), "alignment", within: 1e-9)
    }

    @Test func betweenSets() throws {
        let sample = Self.samples[0]
        try expect(values("frechet", [sample], reference: Self.reference), "frechet", within: 1e-8)
        try expect(
            values("frechet", [sample.rows(0..<20)], reference: Self.reference.rows(0..<15)), "frechet_few",
            within: 1e-8)
        for size in [nil, 0] {
            let found = try values("kernel", [sample.rows(0..<260)], reference: Self.reference) { $0.subsetSize = size }
            try expect(found, "kernel", within: 1e-5)
        }
        let far = HostTensor(sample.floats.map { 8 * $0 }, shape: sample.shape)
        try expect(values("kernel", [far.rows(0..<260)], reference: Self.reference), "kernel_far", within: 1e-6)
    }

    /// Shares of counts: equal, not near.
    @Test func neighbours() throws {
        func numbers(_ key: String, _ names: [String]) throws -> [Double] {
            try names.map { try #require(expected[key]?[$0]?.number) }
        }
        let sample = Self.samples[0], reference = Self.reference
        #expect(
            try values("precision-recall", [sample], reference: reference)
                == numbers("neighbours", ["precision", "recall"]))
        let (density, coverage) = (["density"], ["coverage"])
        let found = try values("density-coverage", [sample], reference: reference)
        #expect(abs(found[0] - (try numbers("neighbours", density)[0])) < 1e-12)
        #expect(try [found[1]] == numbers("neighbours", coverage))
        let views = Self.samples
        #expect(
            try values("precision-recall", [views[2]], reference: views[1]) { $0.neighbours = 1 }
                == numbers("neighbours_self", ["precision", "recall"]))
        let close = try values("density-coverage", [views[2]], reference: views[1]) { $0.neighbours = 10 }
        #expect(abs(close[0] - (try numbers("neighbours_self", density)[0])) < 1e-12)
        #expect(try [close[1]] == numbers("neighbours_self", coverage))
    }

    /// Batches and threads change no bit.
    @Test(arguments: [
        "rankme", "alpha-req", "lidar", "alignment", "uniformity", "frechet", "kernel", "precision-recall",
        "density-coverage",
    ])
    func bits(_ name: String) throws {
        let metric = try #require(EmbeddingMetrics[name: name])
        var options = MetricOptions()
        options.ranks = 2...20
        let all = (0..<3).map { SampledEmbeddings.embeddings("bits.\($0)", 1300, 24, 0.1) }
        let reference = SampledEmbeddings.embeddings("bits.r", 1100, 24, 0.1)
        let results = try [(1, 1300), (3, 100), (8, 1299)].map { threads, batch in
            let algebra = try LinearAlgebra(threads: threads)
            let inputs = MetricInputs(
                SampledEmbeddings.set(all, metric.needs, algebra, batch: batch),
                reference: SampledEmbeddings.set([reference], metric.needs.subtracting(.views), algebra, batch: batch),
                options: options, algebra: algebra, backend: try CPUBackend.plain(threads: threads))
            return try metric.measure(inputs).values.map { [$0.value, $0.deviation ?? 0] }
        }
        #expect(results[0] == results[1] && results[0] == results[2])
    }
}
