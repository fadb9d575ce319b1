import CCUDA
import HLTensor

/// Softmax of rows, and losses of rows with their gradients.
extension CUDABackend {
    package func softmaxRows(_ x: Tensor) -> Tensor {
        let result = like(x), shares = RowShares(x)
        launch(
            hl_kernel_softmax_rows, shares.grid,
            hl_cuda_softmax_rows(
                x: x.f32, y: result.f32, rows: shares.rows, columns: shares.columns, lanes: shares.lanes))
        return result
    }

    package func softmaxRowsBackward(_ gradient: Tensor, output: Tensor) -> Tensor {
        precondition(gradient.shape == output.shape)
        let result = like(gradient), shares = RowShares(output)
        launch(
            hl_kernel_softmax_rows_backward, shares.grid,
            hl_cuda_softmax_rows_backward(
                gradient: gradient.f32, y: output.f32, result: result.f32, rows: shares.rows, columns: shares.columns,
                lanes: shares.lanes))
        return result
    }

    /// Targets are on the card: one that is no class makes its loss NaN.
    package func crossEntropy(
        _ logits: Tensor, targets: Tensor, excluded: Tensor?, scale: Float, weight: Float
    ) -> (losses: Tensor, gradient: Tensor) {
        let rows = logits.shape[0], shares = RowShares(logits)
        precondition(targets.elementCount == rows && (excluded.map { $0.elementCount == rows } ?? true))
        let losses = allocate([rows]), gradient = like(logits)
        launch(
            hl_kernel_cross_entropy, shares.grid,
            hl_cuda_cross_entropy(
                logits: logits.f32, targets: targets.i32, excluded: excluded?.i32, losses: losses.f32,
                gradient: gradient.f32, rows: shares.rows, columns: shares.columns, lanes: shares.lanes, scale: scale,
                weight: weight))
        return (losses, gradient)
    }

    package func negativeCosine(_ p: Tensor, _ z: Tensor, weight: Float) -> (losses: Tensor, gradient: Tensor) {
        precondition(p.shape == z.shape)
        let losses = allocate([p.shape[0]]), gradient = like(p), shares = RowShares(p)
        launch(
            hl_kernel_negative_cosine, shares.grid,
            hl_cuda_negative_cosine(
                p: p.f32, z: z.f32, losses: losses.f32, gradient: gradient.f32, rows: shares.rows,
                columns: shares.columns, lanes: shares.lanes, weight: weight))
        return (losses, gradient)
    }

    package func squaredDistances(_ a: Tensor, _ b: Tensor) -> Tensor {
        precondition(a.shape == b.shape && a.shape[0] > 0)
        let rows = a.shape[0], columns = a.elementCount / rows, result = allocate([rows])
        // What one block sums up: images are shared by several.
        let width = min(max(1, columns), 8192), number = max(1, (columns + width - 1) / width)
        let parts = number > 1 ? allocate([number, rows], type: .f64) : nil
        let shares = RowShares(rows: rows * number, columns: width)
        launch(
            hl_kernel_squared_distances, shares.grid,
            hl_cuda_squared_distances(
                a: a.f32, b: b.f32, parts: parts?.f64, y: result.f32, rows: UInt32(kernel: rows),
                columns: UInt32(kernel: columns), number: UInt32(kernel: number), width: UInt32(kernel: width),
                lanes: shares.lanes))
        if let parts { sum(parts, number: number, into: result) }
        return result
    }

    package func eppsPulley(
        _ x: Tensor, groups: Int, limit: Float, knots: Int, weight: Float
    ) -> (statistics: Tensor, gradient: Tensor) {
        requireEppsPulley(x, groups: groups, limit: limit, knots: knots)
        let rows = x.shape[0] / groups, columns = x.shape[1], step = Double(limit) / Double(knots - 1)
        let tiles = (columns + Int(HL_CUDA_EPPS_COLUMNS) - 1) / Int(HL_CUDA_EPPS_COLUMNS)
        let height = Int(HL_CUDA_EPPS_ROWS), number = (rows + height - 1) / height
        let parts = allocate([groups, number, 2 * knots, columns], type: .f64)
        let slopes = allocate([groups, 2 * knots, columns], type: .f64)
        let statistics = allocate([groups, columns]), gradient = like(x), grid = Grid(tiles * number, groups)
        let (height32, width32) = (UInt32(kernel: rows), UInt32(kernel: columns))
        launch(
            hl_kernel_epps_pulley_sums, grid,
            hl_cuda_epps_pulley_sums(
                x: x.f32, parts: parts.f64, step: step, rows: height32, columns: width32, knots: UInt32(knots),
                number: UInt32(kernel: number), tiles: UInt32(kernel: tiles)))
        launch(
            hl_kernel_epps_pulley_slopes, .over(statistics.elementCount),
            hl_cuda_epps_pulley_slopes(
                parts: parts.f64, slopes: slopes.f64, step: step, weight: Double(weight), statistics: statistics.f32,
                rows: height32, columns: width32, knots: UInt32(knots), number: UInt32(kernel: number),
                count: statistics.count32))
        launch(
            hl_kernel_epps_pulley_gradient, grid,
            hl_cuda_epps_pulley_gradient(
                x: x.f32, slopes: slopes.f64, step: step, gradient: gradient.f32, rows: height32, columns: width32,
                knots: UInt32(knots), tiles: UInt32(kernel: tiles)))
        return (statistics, gradient)
    }
}
