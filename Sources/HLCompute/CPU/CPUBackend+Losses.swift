import CKernels
import HLTensor

extension CPUBackend {
    package func crossEntropy(
        _ logits: Tensor, targets: Tensor, excluded: Tensor?, scale: Float, weight: Float
    ) -> (losses: Tensor, gradient: Tensor) {
        let rows = logits.shape[0], classes = Int32(logits.shape[1]), places = targets.integers
        precondition(targets.elementCount == rows && (0..<rows).allSatisfy { places[$0] < classes })
        precondition(excluded.map { $0.elementCount == rows } ?? true)
        let losses = allocate([logits.shape[0]]), gradient = like(logits)
        forEachRow(logits) {
            hl_cross_entropy_rows(
                logits.floats, places, excluded?.integers, scale, weight, losses.floats, gradient.floats, $0, $1,
                logits.shape[1])
        }
        return (losses, gradient)
    }

    package func negativeCosine(_ p: Tensor, _ z: Tensor, weight: Float) -> (losses: Tensor, gradient: Tensor) {
        precondition(p.shape == z.shape)
        let losses = allocate([p.shape[0]]), gradient = like(p)
        forEachRow(p) {
            hl_negative_cosine_rows(p.floats, z.floats, weight, losses.floats, gradient.floats, $0, $1, p.shape[1])
        }
        return (losses, gradient)
    }

    package func eppsPulley(
        _ x: Tensor, groups: Int, limit: Float, knots: Int, weight: Float
    ) -> (statistics: Tensor, gradient: Tensor) {
        requireEppsPulley(x, groups: groups, limit: limit, knots: knots)
        let rows = x.shape[0] / groups, columns = x.shape[1]
        let statistics = allocate([groups, columns]), gradient = like(x)
        // A column is one thread's, whole: no sum depends on how many there are.
        parallel(groups * columns, grain: max(1, Self.elementGrain / max(1, rows * knots))) { places in
            for group in places.lowerBound / columns...(places.upperBound - 1) / columns {
                let start = group * rows * columns, before = group * columns
                hl_epps_pulley(
                    x.floats + start, rows, columns, max(0, places.lowerBound - before),
                    min(columns, places.upperBound - before), Double(limit), knots, Double(weight),
                    statistics.floats + before, gradient.floats + start)
            }
        }
        return (statistics, gradient)
    }
}
