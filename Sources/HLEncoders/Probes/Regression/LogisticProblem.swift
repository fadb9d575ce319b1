import HLCompute
import HLNet
import HLTensor

/// Logistic regression with an L2 penalty on frozen features, as scikit-learn's LogisticRegression (solver lbfgs) states
/// it: minimise C Σ loss + ½ ‖W‖² with C = 1/λ over weights and intercepts, of which the latter are not penalised.
///
/// The loss is softmax cross-entropy for three classes and more, and the binary one with a single output for two. Where a
/// sample shows several classes each has a regression of its own against the rest; all are solved as one, whose objective
/// is their sum. Products are in float32 on the backend; sums of losses, the penalty, and L-BFGS are in float64.
///
/// What the features are alone (`FeatureBasis`, their copy on the backend) is made once for all penalties.
package final class LogisticProblem {
    private let basis: FeatureBasis
    private let features: Tensor
    private let targets: Tensor
    private let loss: Loss
    private let backend: any Backend
    /// Samples.
    private let count: Int
    /// Features, d.
    private let width: Int
    /// Classes in all, of which some may have no sample.
    private let classes: Int
    /// As `LogisticModel.outputs`.
    private let outputs: [Int]
    /// p (1 − p) of each output's share p of the samples: the curvature of the loss where nothing is known yet.
    private let spread: [Double]

    private enum Loss { case softmax, binary }

    /// - Parameter samples: some of at least two classes (or, of several a sample, some with and some without one).
    /// - Throws: `Failure` (data) for features too large to be squared; whatever went wrong on the backend.
    package init(_ samples: TargetedFeatures, on backend: any Backend) throws {
        self.backend = backend
        (count, width, classes) = (samples.targets.count, samples.features.rowSize, samples.targets.classes)
        basis = try FeatureBasis(samples.features, on: backend)
        guard basis.variances.allSatisfy(\.isFinite) else {
            throw Failure(
                .data, "the features are too large for a regression: their squares are beyond all numbers",
                "give --features standard or unit")
        }
        features = basis.coordinates(of: samples.features)
        let learnable = samples.targets.learnable, shown = samples.targets.samplesOfClasses
        switch samples.targets {
        case .one(let labels, _):
            precondition(learnable.count > 1)
            loss = learnable.count == 2 ? .binary : .softmax
            outputs = loss == .binary ? [learnable[1]] : learnable
            var places = [Int32](repeating: 0, count: classes)
            for (place, label) in learnable.enumerated() { places[label] = Int32(place) }
            pair = loss == .binary ? learnable[0] : nil
            targets = backend.indices(labels.map { places[Int($0)] })
        case .several(let marks):
            precondition(!learnable.isEmpty)
            (loss, outputs, pair) = (.binary, learnable, nil)
            let rowSize = marks.rowSize
            targets = backend.indices(
                marks.withUnsafeElements(as: UInt8.self) { marks in
                    (0..<marks.count / rowSize).flatMap { row in
                        learnable.map { label in
                            let mark = marks[row * rowSize + label]
                            return mark == 255 ? -1 : Int32(mark)
                        }
                    }
                })
        }
        let total = Double(count)
        spread = outputs.map { max(1 / total, Double(shown[$0]) / total * (1 - Double(shown[$0]) / total)) }
    }

    /// The other one of two classes that one output tells apart.
    private let pair: Int?

    /// Minimises the objective at one penalty.
    ///
    /// - Parameters:
    ///   - penalty: λ > 0.
    ///   - start: a fit of this problem to begin from; nil begins at 0.
    /// - Throws: whatever went wrong on the backend.
    package func fit(penalty: Double, from start: [Double]? = nil, _ solver: LBFGS) throws -> LogisticSolution {
        precondition(penalty > 0)
        let share = penalty / Double(count), stride = width + 1
        var curvature = [Double](repeating: 0, count: outputs.count * stride)
        let variances = basis.variances, smallest = 1e-9 * (1 + (variances.max() ?? 0))
        for output in outputs.indices {
            for column in 0..<width {
                curvature[output * stride + column] = spread[output] * max(variances[column], smallest) + share
            }
            curvature[output * stride + width] = spread[output]
        }
        let outcome = try solver.minimise(
            from: start ?? [Double](repeating: 0, count: curvature.count), curvature: curvature,
            norm: { try norm($0, within: solver.tolerance) },
            { point, gradient in try evaluate(point, share, &gradient) })
        return LogisticSolution(
            fit: LogisticFit(
                penalty: penalty, objective: outcome.value * Double(count) / penalty,
                gradientNorm: outcome.gradientNorm, iterations: outcome.iterations, evaluations: outcome.evaluations,
                end: outcome.end), point: outcome.point)
    }

    /// Mean loss + share / 2 · ‖W‖² and its gradient.
    private func evaluate(_ point: [Double], _ share: Double, _ gradient: inout [Double]) throws -> Double {
        let stride = width + 1
        let weight = backend.tensor(HostTensor(point.map { Float($0) }, shape: [outputs.count, stride]))
        let logits = backend.matmul(features, weight, transposeA: false, transposeB: true)
        let (losses, slopes) = lossesAndSlopes(logits)
        let products = backend.matmul(slopes, features, transposeA: true, transposeB: false)
        let value = try backend.read(losses).withUnsafeElements(as: Float.self) { $0.reduce(0.0) { $0 + Double($1) } }
        try backend.read(products).withUnsafeElements(as: Float.self) { products in
            gradient.withUnsafeMutableBufferPointer { gradient in
                for index in products.indices { gradient[index] = Double(products[index]) }
            }
        }
        var square = 0.0
        for output in outputs.indices {
            for index in (output * stride)..<(output * stride + width) {
                square += point[index] * point[index]
                gradient[index] += share * point[index]
            }
        }
        return value / Double(count) + share / 2 * square
    }

    /// Losses of the samples, and the gradient of their mean with regard to the logits [N, outputs].
    private func lossesAndSlopes(_ logits: Tensor) -> (losses: Tensor, slopes: Tensor) {
        let weight = 1 / Float(count)
        guard loss == .binary else {
            let (losses, slopes) = backend.crossEntropy(
                logits, targets: targets, excluded: nil, scale: 1, weight: weight)
            return (losses, slopes)
        }
        // log(1 + exp(∓z)) is the cross-entropy of the two logits 0 and z.
        let second = backend.tensor(HostTensor([0, 1] as [Float], shape: [1, 2]))
        let pairs = backend.matmul(
            backend.reshaped(logits, [logits.elementCount, 1]), second, transposeA: false, transposeB: false)
        let (losses, slopes) = backend.crossEntropy(pairs, targets: targets, excluded: nil, scale: 1, weight: weight)
        return (
            losses, backend.reshaped(backend.matmul(slopes, second, transposeA: false, transposeB: true), logits.shape)
        )
    }

    /// The largest absolute entry of a gradient with regard to the features as they are, which is exact where that in the
    /// problem's coordinates is small; else the mean size of those, which spares the turn.
    private func norm(_ gradient: [Double], within tolerance: Double) throws -> Double {
        let stride = width + 1
        let bound = Vectors.largest(
            outputs.indices.flatMap { output in
                let row = Array(gradient[(output * stride)..<(output * stride + width)])
                return [Vectors.length(row) / Double(width).squareRoot(), gradient[output * stride + width]]
            })
        guard bound <= tolerance else { return bound }
        return Vectors.largest(try ownGradient(gradient))
    }

    /// A gradient of the problem's coordinates as that with regard to the features as they are and their intercepts: with
    /// x = mean + turned coordinates it is G V + g meanᵀ.
    private func ownGradient(_ gradient: [Double]) throws -> [Double] {
        let stride = width + 1
        let rows = outputs.indices.flatMap { gradient[($0 * stride)..<($0 * stride + width)].map { Float($0) } }
        let turned = try basis.restored(HostTensor(rows, shape: [outputs.count, width])).floats
        var own: [Double] = []
        for output in outputs.indices {
            let intercept = gradient[output * stride + width]
            for column in 0..<width {
                own.append(Double(turned[output * width + column]) + intercept * basis.mean[column])
            }
            own.append(intercept)
        }
        return own
    }

    // MARK: Using a fit

    /// Features F32 [M, d] in the problem's coordinates, for `scores`.
    package func coordinates(of features: HostTensor) -> Tensor { basis.coordinates(of: features) }

    /// Scores F32 [M, classes]; −∞ for classes that no sample of the problem has. Of two classes the first has 0.
    /// - Parameter coordinates: from `coordinates(of:)`.
    package func scores(_ coordinates: Tensor, _ solution: LogisticSolution) throws -> HostTensor {
        let weight = backend.tensor(HostTensor(solution.point.map { Float($0) }, shape: [outputs.count, width + 1]))
        let logits = try backend.read(backend.matmul(coordinates, weight, transposeA: false, transposeB: true))
        return logits.withUnsafeElements(as: Float.self) { logits in
            HostTensor(.f32, shape: [coordinates.shape[0], classes]) { bytes in
                let scores = bytes.bindMemory(to: Float.self)
                scores.update(repeating: -.infinity)
                for row in 0..<coordinates.shape[0] {
                    if let pair { scores[row * classes + pair] = 0 }
                    for (place, label) in outputs.enumerated() {
                        scores[row * classes + label] = logits[row * outputs.count + place]
                    }
                }
            }
        }
    }

    /// Weights and intercepts of the features as they are.
    package func model(_ solution: LogisticSolution) throws -> LogisticModel {
        let stride = width + 1
        let rows = outputs.indices.flatMap { solution.point[($0 * stride)..<($0 * stride + width)].map { Float($0) } }
        let weight = try basis.restored(HostTensor(rows, shape: [outputs.count, width])), values = weight.floats
        let bias = outputs.indices.map { output -> Double in
            let row = values[(output * width)..<((output + 1) * width)].map { Double($0) }
            return solution.point[output * stride + width] - Vectors.dot(row, basis.mean)
        }
        return LogisticModel(outputs: outputs, reference: pair, weight: weight, bias: bias)
    }

    /// Where to start from, to begin at a model of the same features; what it does not know begins at 0.
    package func start(at model: LogisticModel) throws -> [Double] {
        let turned = try basis.turned(model.weight).floats, own = model.weight.floats, stride = width + 1
        var point = [Double](repeating: 0, count: outputs.count * stride)
        for (output, label) in outputs.enumerated() {
            guard let known = model.outputs.firstIndex(of: label) else { continue }
            let row = (known * width)..<((known + 1) * width)
            for (column, index) in row.enumerated() { point[output * stride + column] = Double(turned[index]) }
            point[output * stride + width] =
                model.bias[known] + Vectors.dot(own[row].map { Double($0) }, basis.mean)
        }
        return point
    }
}
