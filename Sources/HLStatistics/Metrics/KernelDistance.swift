import CKernels
import HLCompute
import HLTensor

/// The kernel distance (Bińkowski et al., *Demystifying MMD GANs*, ICLR 2018, section 4, as KID): the squared maximum mean
/// discrepancy of two sets, k(x, y) = (xᵀy / d + 1)³, by its unbiased estimator, which may be negative:
/// mean of k over pairs within one set + mean within the other − 2 · mean of k between them.
///
/// By default the mean and standard deviation over 100 subsets of 1,000 samples each, drawn by seed without replacement,
/// as torchmetrics and torch-fidelity have it. Products are single precision: their errors are independent and average
/// out over the pairs; powers and sums are double, since the estimator is a small difference.
package enum KernelDistance {
    static let usualSubset = 1000

    package static let metric = EmbeddingMetric(
        name: "kernel", title: "squared MMD by a cubic kernel", source: "Bińkowski et al., ICLR 2018", needs: .rows,
        comparesSets: true, options: ["--subsets", "--subset-size", "--seed"],
        pairs: { subject in
            let size = subsetSize(subject.options, fewest: subject.fewestSamples)
            return [
                "kernel": size.map { subject.options.subsets * MetricSubject.pairs(of: 2 * $0) } ?? subject.allPairs
            ]
        },
        minimum: { max(2, $0.options.subsetSize ?? usualSubset) },
        verdict: { subject in
            let fewest = subject.fewestSamples
            if fewest < 2 {
                return .impossible("the kernel distance needs two samples or more", remedy: "embed more samples")
            }
            if let size = subject.options.subsetSize, size > fewest {
                return .impossible(
                    "the kernel distance cannot draw \(size) of \(fewest) samples",
                    remedy: "lower --subset-size, or embed more samples")
            }
            guard subject.options.subsetSize == nil, fewest <= usualSubset else { return .fine }
            return .doubtful(
                "the kernel distance draws no subsets of \(usualSubset) from \(fewest) samples: it is that of all, without "
                    + "a deviation")
        },
        measure: { inputs in
            let (reference, samples) = (inputs.reference.required(\.rows), inputs.set.required(\.rows))
            let size = subsetSize(inputs.options, fewest: min(reference.rowCount, samples.rowCount))
            let values =
                try size.map { size in
                    try (0..<inputs.options.subsets).map { number in
                        try value(
                            draw(reference, size, inputs.options.seed, set: 0, number),
                            draw(samples, size, inputs.options.seed, set: 1, number), on: inputs.backend,
                            progress: inputs.progress)
                    }
                } ?? [value(reference, samples, on: inputs.backend, progress: inputs.progress)]
            let mean = values.reduce(0, +) / Double(values.count)
            guard mean.isFinite else {
                throw Failure(.data, "the kernel distance overflows: embeddings are too large", "scale them down")
            }
            // Without Bessel's correction, as torchmetrics and torch-fidelity.
            let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            return MetricResult(
                [.init("kernel", mean, deviation: size == nil ? nil : square.squareRoot())],
                settings: size.map {
                    [
                        "subsets": .integer(Int64(inputs.options.subsets)), "subset_size": .integer(Int64($0)),
                        "seed": .seed(inputs.options.seed),
                    ]
                } ?? ["subsets": 1, "subset_size": .null])
        })

    /// nil takes all samples at once.
    private static func subsetSize(_ options: MetricOptions, fewest: Int) -> Int? {
        switch options.subsetSize {
        case 0: nil
        case let size?: size
        case nil: fewest > usualSubset ? usualSubset : nil
        }
    }

    /// Some rows by chance, without replacement.
    private static func draw(_ rows: HostTensor, _ size: Int, _ seed: UInt64, set: Int, _ number: Int) -> HostTensor {
        let order = Permutation(count: rows.rowCount, seed: seed, purpose: .kernelSubset, group: set, epoch: number)
        return rows.gather(order.elements(at: 0..<size))
    }

    /// The estimate of two sets, F32 [M, d] and [N, d], M and N at least 2.
    package static func value(
        _ first: HostTensor, _ second: HostTensor, on backend: any Backend, progress: (Int) -> Void = { _ in }
    ) throws -> Double {
        let gamma = 1 / Double(first.rowSize), (m, n) = (Double(first.rowCount), Double(second.rowCount))
        let rows = backend.tensor(HostTensor.concatenate([first, second]))
        var within = (first: 0.0, second: 0.0), between = 0.0
        let sums = try PairSums.unordered(
            rows, parts: [first.rowCount, second.rowCount], on: backend, progress: progress
        ) { _, _, columns, products in hl_cubic_sum(products, gamma, columns.count) }
        for (tile, sum) in sums {
            switch (tile.rows.lowerBound < first.rowCount, tile.columns.lowerBound < first.rowCount) {
            case (true, true): within.first += sum
            case (false, false): within.second += sum
            default: between += sum
            }
        }
        return 2 * within.first / (m * (m - 1)) + 2 * within.second / (n * (n - 1)) - 2 * between / (m * n)
    }
}
