import ArgumentParser
import HLFormats
import HLGenerators
import HLTensor

/// Which of a sample's scores counts.
enum JudgedBy: String, CaseIterable, ExpressibleByArgument {
    case anchor, positive, worse

    private var views: [Int] {
        switch self {
        case .anchor: [0]
        case .positive: [1]
        case .worse: [0, 1]
        }
    }

    /// - Throws: `Failure(.data)` for samples without the view that counts.
    func scores(of batch: Batch) throws -> [Float] {
        let scores = try views.map { view in
            guard batch.tensors["s.\(view)"] != nil else {
                throw Failure(
                    .data, "the stream's samples have no \(view == 0 ? "anchor" : "positive")",
                    view == 0
                        ? "judge them --by positive" : "judge them --by anchor, or put hl-perturb before hl-filter")
            }
            return try batch.require("s.\(view)", .f32, rank: 1).floats
        }
        return (0..<batch.count).map { row in scores.reduce(.infinity) { min($0, $1[row]) } }
    }

    /// Whether a view that counts is defective; nil for images without latents, of which no oracle knows.
    func defects(of batch: Batch, _ oracle: any DefectOracle) -> [Bool]? {
        var defects = [Bool](repeating: false, count: batch.count)
        for view in views {
            guard let z = batch.tensors["z.\(view)"], let found = oracle.defects(of: z) else { return nil }
            defects = zip(defects, found).map { $0 || $1 }
        }
        return defects
    }
}
