import HLTensor

/// What is done to embeddings before the linear classifier.
package enum FeatureScaling: String, Sendable, CaseIterable {
    /// Nothing, as in the paper.
    case raw
    /// Each embedding to unit length.
    case unit
    /// Each dimension to mean 0 and standard deviation 1 on the train set.
    case standard

    /// The same transformation for train and test, with what it needs to know taken from `train`, F32 [N, d].
    package func fitted(to train: HostTensor) -> FittedScaling {
        let (mean, scale) = self == .standard ? Self.statistics(train) : ([], [])
        return FittedScaling(kind: self, mean: mean, scale: scale)
    }

    fileprivate static func normalise(_ row: UnsafeMutableBufferPointer<Float>) {
        let square = row.reduce(0.0) { $0 + Double($1) * Double($1) }
        let factor = Float(1 / max(square.squareRoot(), 1e-12))
        for column in row.indices { row[column] *= factor }
    }

    /// Mean and 1 / standard deviation of every column; 0 instead where a column does not vary.
    private static func statistics(_ features: HostTensor) -> (mean: [Float], scale: [Float]) {
        let width = features.rowSize, count = Double(max(1, features.rowCount))
        let means = features.columnMeans
        var squares = [Double](repeating: 0, count: width)
        features.withUnsafeElements(as: Float.self) { values in
            for start in stride(from: 0, to: values.count, by: max(1, width)) {
                for column in 0..<width {
                    let difference = Double(values[start + column]) - means[column]
                    squares[column] += difference * difference
                }
            }
        }
        let scales = squares.map { square in
            let deviation = (square / count).squareRoot()
            return deviation > 1e-12 ? Float(1 / deviation) : 0
        }
        return (means.map { Float($0) }, scales)
    }

    fileprivate static func mapRows(
        _ features: HostTensor, _ body: (UnsafeMutableBufferPointer<Float>) -> Void
    ) -> HostTensor {
        HostTensor(.f32, shape: features.shape) { bytes in
            features.withUnsafeBytes { bytes.copyMemory(from: $0) }
            let values = bytes.bindMemory(to: Float.self)
            let width = features.rowSize
            for start in stride(from: 0, to: values.count, by: max(1, width)) {
                body(UnsafeMutableBufferPointer(rebasing: values[start..<(start + width)]))
            }
        }
    }
}

/// What is done to embeddings, with the numbers that it takes.
package struct FittedScaling: Sendable {
    package let kind: FeatureScaling
    /// What is taken off every column and what it is multiplied by then; empty but for `standard`.
    let mean: [Float], scale: [Float]

    /// Embeddings F32 [N, d] as the classifier takes them.
    package func callAsFunction(_ features: HostTensor) -> HostTensor {
        switch kind {
        case .raw: return features
        case .unit: return FeatureScaling.mapRows(features, FeatureScaling.normalise)
        case .standard:
            return FeatureScaling.mapRows(features) { row in
                for column in row.indices { row[column] = (row[column] - mean[column]) * scale[column] }
            }
        }
    }
}
