import Glibc
import HLCompute
import HLNet
import HLTensor

/// The linear evaluation of Kornblith et al. (*Do better ImageNet models transfer better?*, CVPR 2019), as SimCLR, BYOL
/// and ssl-transfer do it: logistic regression at penalties log-spaced over a range, the best on a validation set, fitted
/// again on train and validation set.
///
/// The path goes from the strongest penalty to the weakest, each fit beginning where a straight line through the two before
/// it leads, over log λ, along which the solutions move evenly; it saves two thirds of the steps. Of penalties that are
/// equally good the weakest counts, as in ssl-transfer's linear.py.
package struct PenaltySearch: Sendable, Equatable {
    /// λ, ascending.
    package var penalties: [Double]
    package var solver: LBFGS

    /// 45 penalties from 1e-6 to 1e5.
    package init(
        penalties: [Double] = Self.logarithmic(45, from: 1e-6, to: 1e5), solver: LBFGS = LBFGS(improvement: 1e-4)
    ) {
        precondition(!penalties.isEmpty && penalties.allSatisfy { $0 > 0 })
        self.penalties = penalties.sorted()
        self.solver = solver
    }

    /// `count` numbers of one ratio from each to the next; the ends are exact.
    package static func logarithmic(_ count: Int, from first: Double, to last: Double) -> [Double] {
        guard count > 1 else { return [first] }
        return (0..<count).map { index in
            switch index {
            case 0: first
            case count - 1: last
            default: first * pow(last / first, Double(index) / Double(count - 1))
            }
        }
    }

    /// What came of one penalty.
    package struct Step: Sendable {
        /// On the fitted part.
        package let fit: LogisticFit
        /// On the validation set.
        package let score: Double
    }

    /// A path and what was chosen. Weights are not kept: of classes x dimensions there would be as many as penalties.
    package struct Path: Sendable {
        /// Ascending with the penalty.
        package let steps: [Step]
        /// The penalty that was chosen.
        package let penalty: Double
    }

    /// Fits at all penalties and chooses one.
    ///
    /// - Parameters:
    ///   - judge: the score of the validation set's scores [N, classes], higher is better.
    ///   - progress: called after each fit.
    /// - Returns: the path, and the classifier at the penalty that was chosen.
    /// - Throws: whatever `judge` throws, and whatever went wrong on the backend.
    package func path(
        _ train: TargetedFeatures, validation: HostTensor, judge: (HostTensor) throws -> Double,
        on backend: any Backend, progress: () -> Void = {}
    ) throws -> (path: Path, model: LogisticModel) {
        let problem = try LogisticProblem(train, on: backend), coordinates = problem.coordinates(of: validation)
        var steps: [Step] = [], known: [LogisticSolution] = [], best: (score: Double, solution: LogisticSolution)?
        for penalty in penalties.reversed() {
            let solution = try problem.fit(penalty: penalty, from: prediction(at: penalty, known), solver)
            let score = try judge(try problem.scores(coordinates, solution))
            known = known.suffix(1) + [solution]
            if best.map({ score >= $0.score }) ?? true { best = (score, solution) }
            steps.append(Step(fit: solution.fit, score: score))
            progress()
        }
        guard let best else { preconditionFailure("there is a penalty") }
        return (
            Path(steps: steps.reversed(), penalty: best.solution.fit.penalty), try problem.model(best.solution)
        )
    }

    /// Where the solution may be, from up to two along the path: nil for none, and never further from the last than that is
    /// from the one before.
    private func prediction(at penalty: Double, _ known: [LogisticSolution]) -> [Double]? {
        guard let last = known.last else { return nil }
        let (first, second) = (log(known[0].fit.penalty), log(last.fit.penalty))
        guard first > second else { return last.point }
        let share = min(1, (second - log(penalty)) / (first - second))
        return zip(known[0].point, last.point).map { $1 + share * ($1 - $0) }
    }

    /// A fit, its classifier, and the scores of a test set, F32 [N, classes].
    package func fit(
        _ samples: TargetedFeatures, penalty: Double, from model: LogisticModel? = nil, test: HostTensor,
        on backend: any Backend
    ) throws -> (fit: LogisticFit, model: LogisticModel, scores: HostTensor) {
        let problem = try LogisticProblem(samples, on: backend)
        let solution = try problem.fit(penalty: penalty, from: try model.map(problem.start), solver)
        return (
            solution.fit, try problem.model(solution), try problem.scores(problem.coordinates(of: test), solution)
        )
    }
}
