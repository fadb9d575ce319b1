import CKernels
import HLFormats
import HLTensor

/// N^t(μ, σ, t): the normal distribution cut off at μ ± t·σ.
///
/// `truncation` counts standard deviations, as in scipy's `truncnorm(-t, t, loc=μ, scale=σ)`; infinity gives the plain
/// normal. `standardDeviation` is that of the normal before the cut. Values lie within the interval; their quantiles
/// agree with double precision to 1e-6, tails included.
package struct TruncatedNormal: Sendable, Hashable {
    package let mean: Double
    package let standardDeviation: Double
    package let truncation: Double

    /// N^t(0, 1, 2): the anchors of BigBiGAN, and its hierarchical-latent perturbation.
    package static let standard = TruncatedNormal(uncheckedMean: 0, 1, 2)

    /// N^t(0, 1, t): what this is scaled and moved from.
    var unit: TruncatedNormal { TruncatedNormal(uncheckedMean: 0, 1, truncation) }

    private init(uncheckedMean mean: Double, _ standardDeviation: Double, _ truncation: Double) {
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.truncation = truncation
    }

    /// - Throws: `Failure` (usage) unless the mean is finite, σ ≥ 0 and finite, t ≥ 1e-6 (or infinite), and all values
    ///   are within the range of `Float`.
    package init(mean: Double = 0, standardDeviation: Double, truncation: Double) throws {
        self.init(uncheckedMean: mean, standardDeviation, truncation)
        guard mean.isFinite else {
            throw Failure(.usage, "the mean \(mean) is no finite number", "give a finite mean")
        }
        guard standardDeviation.isFinite, standardDeviation >= 0 else {
            throw Failure(
                .usage, "the standard deviation \(standardDeviation.plainText) is not a finite number from 0 up",
                "give a standard deviation of 0 or more")
        }
        guard truncation >= 1e-6 else {
            throw Failure(
                .usage, "the truncation \(truncation.plainText) is not at least 1e-6",
                "give the truncation in standard deviations, for example 2")
        }
        // Nothing lies beyond 7 σ: the words have 32 bits.
        guard abs(mean) + min(truncation, 7) * standardDeviation < 1e30 else {
            throw Failure(
                .usage, "\(text) has values beyond 1e30", "give a smaller mean and standard deviation")
        }
    }

    /// One row of values per sample, F32 [ids, perSample].
    ///
    /// Value j of a sample comes from word j of the key's sequence for its id, so rows depend on key and id alone.
    /// - Parameter ids: I64, one dimension.
    package func draw(ids: HostTensor, perSample: Int, key: RandomKey, threads: Int = 1) -> HostTensor {
        precondition(ids.type == .i64 && perSample >= 0)
        let count = ids.elementCount
        return HostTensor(.f32, shape: [count, perSample]) { bytes in
            let target = RowPointer(bytes.bindMemory(to: Float.self), rowSize: perSample)
            ids.withUnsafeElements(as: Int64.self) { ids in
                let source = ConstantRowPointer(ids, rowSize: 1)
                RowBlocks.forEach(rows: count, rowSize: perSample, threads: threads) { rows in
                    fill(target[rows.lowerBound], ids: source[rows.lowerBound], rows.count, perSample, key)
                }
            }
        }
    }

    /// The rows of samples `first` ..< `first + count`.
    package func draw(first: Int64, count: Int, perSample: Int, key: RandomKey, threads: Int = 1) -> HostTensor {
        precondition(count >= 0 && perSample >= 0)
        return HostTensor(.f32, shape: [count, perSample]) { bytes in
            let target = RowPointer(bytes.bindMemory(to: Float.self), rowSize: perSample)
            RowBlocks.forEach(rows: count, rowSize: perSample, threads: threads) { rows in
                hl_truncated_normal(
                    key.low, key.high, first &+ Int64(rows.lowerBound), rows.count, perSample, mean, standardDeviation,
                    truncation, target[rows.lowerBound])
            }
        }
    }

    /// Writes `count` rows; the pointers must have room for them.
    func fill(
        _ target: UnsafeMutablePointer<Float>, ids: UnsafePointer<Int64>, _ count: Int, _ perSample: Int,
        _ key: RandomKey
    ) {
        hl_truncated_normal_ids(
            key.low, key.high, ids, count, perSample, mean, standardDeviation, truncation, target)
    }
}

extension TruncatedNormal: CustomStringConvertible {
    /// For people: `N^t(0, 1, 2)` in the order mean, standard deviation, truncation.
    package var text: String {
        "N^t(\(mean.plainText), \(standardDeviation.plainText), \(truncation.plainText))"
    }

    package var description: String { text }

    /// For headers: distribution, mean, std and trunc; an infinite `trunc` is null.
    package var json: JSONValue {
        [
            "distribution": "truncated_normal", "mean": .number(mean), "std": .number(standardDeviation),
            "trunc": truncation.isFinite ? .number(truncation) : .null,
        ]
    }
}
