import HLCompute
import HLTensor

/// Ridge regression on one target a class, 1 for its samples and −1 for the others, in closed form (Hoerl & Kennard 1970;
/// Rifkin, Yeo & Poggio, *Regularized least-squares classification*, 2003): minimises Σ (y − w · x − b)² + λ ‖w‖² over w
/// and b.
///
/// Of the penalties the one counts whose residuals have the smallest mean square where each sample is left out of its own
/// fit, which costs no further fit (Golub, Heath & Wahba, *Generalized cross-validation*, 1979); scikit-learn's
/// RidgeClassifierCV does the same. Embeddings are uncorrelated first (`FeatureBasis`), after which every penalty costs
/// one product of N × d × classes.
package struct RidgeClassifier: Sendable, Equatable {
    /// λ as shares of what the features' squares, centred, sum to on average over the dimensions: a penalty then means the
    /// same for encoders whose features differ in scale. Ascending.
    package var shares: [Double]

    /// 13 penalties from 1e-4 to 1e2.
    package init(shares: [Double] = PenaltySearch.logarithmic(13, from: 1e-4, to: 1e2)) {
        precondition(!shares.isEmpty && shares.allSatisfy { $0 > 0 })
        self.shares = shares.sorted()
    }

    /// A classifier and how its penalty was chosen.
    package struct Fit: Sendable {
        /// Of features as they are.
        package let head: LinearHead
        /// λ.
        package let penalty: Double
        /// λ as one of `shares`.
        package let share: Double
        /// Mean square of the residuals of left-out samples, over samples and classes.
        package let error: Double
    }

    /// Rows that residuals are computed of at a time.
    private static let block = 4096

    /// - Parameters:
    ///   - samples: N > 0 features F32 [N, d] and labels below `classes`. A class without samples is never chosen.
    /// - Throws: `Failure` (data) for features too large to be squared, or that are all the same; whatever went wrong on
    ///   the backend.
    package func fit(_ samples: LinearProbe.Samples, classes: Int, on backend: any Backend) throws -> Fit {
        let basis = try FeatureBasis(samples.features, on: backend)
        let count = samples.labels.count, width = samples.features.rowSize
        let sums = basis.variances.map { $0 * Double(count) }
        let scale = sums.reduce(0, +) / Double(width)
        guard scale.isFinite, scale > 0 else {
            throw Failure(
                .data,
                scale == 0
                    ? "all embeddings are the same: there is nothing to tell classes by"
                    : "the features are too large for a regression: their squares are beyond all numbers",
                "take another encoder")
        }
        let penalties = shares.map { $0 * scale }
        let coordinates = basis.coordinates(of: samples.features)
        let targets = Self.targets(samples.labels, classes)
        let means = targets.columnMeans
        let products = try backend.read(
            backend.matmul(backend.tensor(targets), coordinates, transposeA: true, transposeB: false)
        ).floats
        // [classes, d + 1], the intercept last.
        func weights(_ penalty: Double) -> HostTensor {
            var values = products
            for label in 0..<classes {
                let start = label * (width + 1)
                for column in 0..<width {
                    values[start + column] = Float(Double(values[start + column]) / (sums[column] + penalty))
                }
                values[start + width] = Float(means[label])
            }
            return HostTensor(values, shape: [classes, width + 1])
        }
        var errors = [Double](repeating: 0, count: penalties.count)
        let candidates = penalties.map { backend.tensor(weights($0)) }
        for start in stride(from: 0, to: count, by: Self.block) {
            let rows = start..<min(start + Self.block, count)
            let part = backend.rows(coordinates, rows), own = targets.rows(rows)
            let leverages = try Self.leverages(part, sums, penalties, count, on: backend)
            for (index, candidate) in candidates.enumerated() {
                let predictions = try backend.read(
                    backend.matmul(part, candidate, transposeA: false, transposeB: true))
                errors[index] += Self.squares(own, predictions) { leverages[$0 * penalties.count + index] }
            }
        }
        let best = errors.indices.reduce(0) { errors[$1] < errors[$0] ? $1 : $0 }
        let head = try self.head(weights(penalties[best]), basis, samples.labels, classes)
        return Fit(
            head: head, penalty: penalties[best], share: shares[best],
            error: errors[best] / Double(count * classes))
    }

    /// 1 for a sample's class and −1 for the others, F32 [N, classes].
    private static func targets(_ labels: [Int32], _ classes: Int) -> HostTensor {
        HostTensor(.f32, shape: [labels.count, classes]) { bytes in
            let values = bytes.bindMemory(to: Float.self)
            values.update(repeating: -1)
            for (row, label) in labels.enumerated() { values[row * classes + Int(label)] = 1 }
        }
    }

    /// The diagonals of the hat matrices, [rows, penalties]: how far each sample's own target decides its prediction.
    private static func leverages(
        _ coordinates: Tensor, _ sums: [Double], _ penalties: [Double], _ count: Int, on backend: any Backend
    ) throws -> [Double] {
        let width = sums.count
        let values = try backend.read(coordinates)
        let squares = HostTensor(values.floats.map { $0 * $0 }, shape: values.shape)
        let factors = penalties.flatMap { penalty in
            sums.map { Float(1 / ($0 + penalty)) } + [1 / Float(count)]
        }
        precondition(values.rowSize == width + 1)
        return try backend.read(
            backend.matmul(
                backend.tensor(squares), backend.tensor(HostTensor(factors, shape: [penalties.count, width + 1])),
                transposeA: false, transposeB: true)
        ).floats.map(Double.init)
    }

    /// Σ of the squares of left-out residuals, (y − ŷ) / (1 − h), of rows of one shape.
    private static func squares(
        _ targets: HostTensor, _ predictions: HostTensor, leverage: (Int) -> Double
    ) -> Double {
        targets.withUnsafeElements(as: Float.self) { targets in
            predictions.withUnsafeElements(as: Float.self) { values in
                let width = predictions.rowSize
                var sum = 0.0
                for row in 0..<predictions.rowCount {
                    // A sample that decides its prediction alone leaves no residual to divide.
                    let rest = max(1 - leverage(row), 1e-6)
                    for index in (row * width)..<((row + 1) * width) {
                        let residual = (Double(targets[index]) - Double(values[index])) / rest
                        sum += residual * residual
                    }
                }
                return sum
            }
        }
    }

    private func head(
        _ weights: HostTensor, _ basis: FeatureBasis, _ labels: [Int32], _ classes: Int
    ) throws -> LinearHead {
        let width = basis.mean.count, own = weights.floats
        let rows = (0..<classes).flatMap { own[($0 * (width + 1))..<($0 * (width + 1) + width)] }
        let restored = try basis.restored(HostTensor(rows, shape: [classes, width]))
        let values = restored.floats, shown = Set(labels)
        let biases = (0..<classes).map { label -> Float in
            guard shown.contains(Int32(label)) else { return LinearHead.never }
            var bias = Double(own[label * (width + 1) + width])
            for column in 0..<width { bias -= Double(values[label * width + column]) * basis.mean[column] }
            return Float(bias)
        }
        return LinearHead(weight: restored, bias: HostTensor(biases, shape: [classes]))
    }
}
