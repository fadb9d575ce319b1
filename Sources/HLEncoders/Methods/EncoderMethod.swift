import HLCompute
import HLNet
import HLTensor

/// A way to train a backbone.
package protocol EncoderMethod: Module {
    var backbone: ResNet { get }
    /// Forward passes that a step stands for, each with batch-norm statistics of its own: as many as views where every view
    /// has its own, 1 where all go through together.
    var passesPerStep: Int { get }

    /// What training carries besides the encoder and its heads, such as a momentum encoder: kept in checkpoints, not in the
    /// finished file.
    var trainingState: (any Module)? { get }

    /// - Throws: `Failure(.data)` for a class that the method has no place for.
    func check(labels: [Int64]) throws

    /// Brings `trainingState` to its start, once all weights have been drawn.
    func begin()

    /// To be called after every step of the optimiser.
    func stepDone()

    /// One forward pass over N samples and its loss; gradients are seeded on the pass's tape, not yet run.
    /// - Parameters:
    ///   - images: normalised, [N · views, 3, H, W]: the N images of the first view, then those of the next.
    ///     The pass must have `passesPerStep` groups.
    ///   - labels: classes of the N samples, for a method that needs them.
    func loss(_ images: Variable, labels: [Int32], _ pass: Pass) -> EncoderLoss
}

extension EncoderMethod {
    package var trainingState: (any Module)? { nil }
    package func check(labels: [Int64]) throws {}
    package func begin() {}
    package func stepDone() {}

    /// For methods that need no labels.
    package func loss(_ images: Variable, _ pass: Pass) -> EncoderLoss { loss(images, labels: [], pass) }
}

/// What a step reports.
package struct EncoderLoss {
    /// Tensors of losses, such as one per row, with what the mean of each counts: the loss that is minimised is the sum of
    /// these.
    package let terms: [(losses: Tensor, factor: Float)]
    /// Projections [V · N, d], for watching collapse: the standard deviation of their normalised rows, per dimension,
    /// is 1/√d when they spread and 0 when they have collapsed.
    package let projections: Tensor

    package init(terms: [(losses: Tensor, factor: Float)], projections: Tensor) {
        self.terms = terms
        self.projections = projections
    }

    /// - Parameter rows: losses per row, whose mean times `factor` is the loss.
    package init(rows: Tensor, factor: Float, projections: Tensor) {
        self.init(terms: [(rows, factor)], projections: projections)
    }

    /// Losses per row, of a loss of one term.
    package var rows: Tensor { terms[0].losses }

    /// The loss as a number, of all ranks where there are several, which all ask for it then.
    package func value(on backend: any Backend, over ranks: (any Ranks)? = nil) throws -> Double {
        let own = try terms.reduce(0.0) { sum, term in
            let values = try backend.read(term.losses).floats
            return sum + Double(term.factor) * values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        }
        return ranks?.communicator.means([own])[0] ?? own
    }

    /// Mean over dimensions of the standard deviation of the normalised projections (Chen & He 2021, Fig. 2), times
    /// √d: 1 is healthy, 0 collapse. Of all ranks where there are several, which all ask for it then.
    package func spread(on backend: any Backend, over ranks: (any Ranks)? = nil) throws -> Double {
        let (unit, _) = backend.normaliseRows(ranks?.gatherRows(projections) ?? projections)
        let host = try backend.read(unit).floats
        let count = unit.shape[0], dimension = unit.shape[1]
        var total = 0.0
        for column in 0..<dimension {
            var sum = 0.0, square = 0.0
            for row in 0..<count {
                let value = Double(host[row * dimension + column])
                sum += value
                square += value * value
            }
            let mean = sum / Double(count)
            total += max(0, square / Double(count) - mean * mean).squareRoot()
        }
        return total / Double(dimension) * Double(dimension).squareRoot()
    }
}
