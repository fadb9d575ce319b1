import HLCompute
import HLNet
import HLTensor

/// A linear classifier of an encoder's features, complete in itself: what a probe has learnt, or the last layer of an
/// encoder that was trained on labels.
package struct LinearHead: Sendable {
    /// F32 [classes, d].
    package let weight: HostTensor
    /// F32 [classes].
    package let bias: HostTensor
    /// Whether features are brought to unit length before.
    package let takesUnitLength: Bool

    package var classes: Int { weight.shape[0] }
    /// d.
    package var dimension: Int { weight.shape[1] }

    /// The bias of a class that no sample of the train set had: it is never the greatest, and a file can hold it.
    static let never: Float = -1e30

    /// - Parameters:
    ///   - weight: F32 [classes, d].
    ///   - bias: F32 [classes].
    package init(weight: HostTensor, bias: HostTensor, takesUnitLength: Bool = false) {
        precondition(weight.type == .f32 && weight.shape.count == 2 && bias.shape == [weight.shape[0]])
        self.weight = weight
        self.bias = bias
        self.takesUnitLength = takesUnitLength
    }

    /// That of features (x − mean) · scale as one of features x: the sums are in double precision.
    private func taking(mean: [Double], scale: [Double]) -> LinearHead {
        let (own, d) = (weight.floats, dimension)
        var weights = own, biases = bias.floats
        for label in 0..<classes {
            var offset = 0.0
            for column in 0..<d {
                let product = Double(own[label * d + column]) * scale[column]
                weights[label * d + column] = Float(product)
                offset += product * mean[column]
            }
            biases[label] = Float(Double(biases[label]) - offset)
        }
        return LinearHead(
            weight: HostTensor(weights, shape: weight.shape), bias: HostTensor(biases, shape: bias.shape),
            takesUnitLength: takesUnitLength)
    }

    /// The classifier of features as they are, of one that was made on scaled features.
    package func behind(_ scaling: FittedScaling) -> LinearHead {
        switch scaling.kind {
        case .raw: self
        case .unit: LinearHead(weight: weight, bias: bias, takesUnitLength: true)
        case .standard: taking(mean: scaling.mean.map { Double($0) }, scale: scaling.scale.map { Double($0) })
        }
    }

    /// The classifier without the batch norm, which has no affine part, before it.
    func behindBatchNorm(mean: [Float], variance: [Float], epsilon: Double = 1e-5) -> LinearHead {
        taking(
            mean: mean.map { Double($0) }, scale: variance.map { 1 / (Double($0) + epsilon).squareRoot() })
    }

    /// A logistic regression, with a row for every class.
    package init(_ model: LogisticModel, classes: Int) {
        let d = model.weight.shape[1], own = model.weight.floats
        var weights = [Float](repeating: 0, count: classes * d), biases = [Float](repeating: Self.never, count: classes)
        if let reference = model.reference { biases[reference] = 0 }
        for (row, label) in model.outputs.enumerated() {
            weights.replaceSubrange(label * d..<(label + 1) * d, with: own[row * d..<(row + 1) * d])
            biases[label] = Float(model.bias[row])
        }
        self.init(weight: HostTensor(weights, shape: [classes, d]), bias: HostTensor(biases, shape: [classes]))
    }

    /// Scores F32 [N, classes] of features F32 [N, d].
    package func scores(_ features: HostTensor, on backend: any Backend) throws -> HostTensor {
        let layer = Linear(backend, dimension, classes)
        try layer.load(on: backend) { $0 == "weight" ? weight : bias }
        let rows = takesUnitLength ? FeatureScaling.unit.fitted(to: features)(features) : features
        let pass = Pass(Tape(backend, recording: false), training: false)
        return try backend.read(layer(Variable(backend.tensor(rows)), pass).value)
    }
}
