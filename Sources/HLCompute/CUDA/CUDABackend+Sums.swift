import CCUDA
import HLTensor

/// Sums: in place, down columns, along rows, over positions.
extension CUDABackend {
    package func accumulate(_ source: Tensor, into target: Tensor) {
        precondition(source.shape == target.shape)
        let step = Self.step(target.elementCount)
        launch(
            hl_kernel_accumulate, .over(target.elementCount / step),
            hl_cuda_accumulate(
                x: source.either, y: target.either, count: target.count32 / UInt32(step), step: UInt32(step)))
        target.cuda.version += 1
    }

    package func average(_ source: Tensor, into target: Tensor, decay: Float) {
        precondition(source.shape == target.shape && source.type == target.type)
        let step = Self.step(target.elementCount)
        if decay == 0 {
            copy(source.cuda.address, to: target.cuda.address, byteCount: target.byteCount)
        } else {
            launch(
                hl_kernel_average, .over(target.elementCount / step),
                hl_cuda_average(
                    x: source.either, y: target.either, count: target.count32 / UInt32(step), step: UInt32(step),
                    decay: decay, rest: 1 - decay))
        }
        target.cuda.version += 1
    }

    package func addRowVector(_ vector: Tensor, to matrix: Tensor) {
        let width = matrix.shape[1], step = Self.step(width)
        precondition(vector.elementCount == width && matrix.shape.count == 2)
        launch(
            hl_kernel_add_row_vector, .over(matrix.elementCount / step),
            hl_cuda_add_row_vector(
                x: matrix.either, vector: vector.either, count: matrix.count32 / UInt32(step),
                width: UInt32(kernel: width / step), step: UInt32(step)))
        matrix.cuda.version += 1
    }

    package func columnSums(_ matrix: Tensor) -> Tensor {
        precondition(matrix.shape.count == 2)
        let (rows, columns) = (matrix.shape[0], matrix.shape[1]), result = allocate([columns])
        let tiles = (columns + Int(HL_CUDA_SUM_COLUMNS) - 1) / Int(HL_CUDA_SUM_COLUMNS)
        // Parts of at least 64 rows, as many as fill a card; a function of the shape alone, as the sums' order is.
        let most = max(1, min((rows + 63) / 64, 1024 / max(1, tiles)))
        let height = max(1, (rows + most - 1) / most), number = max(1, (rows + height - 1) / height)
        let parts = number > 1 ? allocate([number, columns], type: .f64) : nil
        launch(
            hl_kernel_sum_columns, Grid(tiles, number),
            hl_cuda_sum_columns(
                x: matrix.f32, parts: parts?.f64, y: result.f32, rows: UInt32(kernel: rows),
                columns: UInt32(kernel: columns), height: UInt32(kernel: height)))
        if let parts { sum(parts, number: number, into: result) }
        return result
    }

    /// The sums of `number` parts of every value of `result`, [number, …].
    func sum(_ parts: Tensor, number: Int, into result: Tensor) {
        launch(
            hl_kernel_sum_parts, .over(result.elementCount),
            hl_cuda_sum_parts(
                parts: parts.f64, y: result.f32, number: UInt32(kernel: number), count: result.count32))
    }

    package func projectRows(_ x: Tensor, _ weight: Tensor) -> Tensor {
        let (rows, inputs, outputs) = (x.shape[0], x.shape[1], weight.shape[0])
        precondition(weight.shape[1] == inputs, "rows of \(x.shape) and a weight of \(weight.shape) do not fit")
        let result = allocate([rows, outputs]), side = Int(HL_CUDA_PROJECT_TILE)
        let tiles = (outputs + side - 1) / side, blocks = (rows + side - 1) / side * tiles
        guard blocks > 0 else { return result }
        launch(
            hl_kernel_project_rows, Grid(blocks),
            hl_cuda_project_rows(
                x: x.f32, weight: weight.f32, y: result.f32, rows: UInt32(kernel: rows), inputs: UInt32(kernel: inputs),
                outputs: UInt32(kernel: outputs), tiles: UInt32(kernel: tiles)))
        return result
    }

    // MARK: Means over positions

    package func averagePool(_ x: Tensor) -> Tensor {
        precondition(x.shape.count == 4 || x.positions == 1)
        let channels = x.shape[1], result = allocate([x.shape[0], channels]), step = Self.step(channels)
        launch(
            hl_kernel_average_pool, .over(result.elementCount / step),
            hl_cuda_average_pool(
                x: x.either, y: result.either, count: result.count32 / UInt32(step),
                channels: UInt32(kernel: channels / step), positions: UInt32(kernel: x.positions), step: UInt32(step),
                scale: 1 / Float(x.positions)))
        return result
    }

    package func averagePoolBackward(_ gradient: Tensor, inputShape: [Int], type: ElementType) -> Tensor {
        let result = allocate(inputShape, type: type), channels = inputShape[1], step = Self.step(channels)
        precondition(inputShape.count == 4 || result.positions == 1)
        precondition(gradient.elementCount == inputShape[0] * channels)
        launch(
            hl_kernel_average_pool_backward, .over(result.elementCount / step),
            hl_cuda_average_pool_backward(
                x: gradient.either, y: result.either, count: result.count32 / UInt32(step),
                channels: UInt32(kernel: channels / step), positions: UInt32(kernel: result.positions),
                step: UInt32(step), scale: 1 / Float(result.positions)))
        return result
    }

    // MARK: Rows of unit length

    package func normaliseRows(_ x: Tensor) -> (output: Tensor, norms: Tensor) {
        let output = like(x), norms = allocate([x.shape[0]]), shares = RowShares(x)
        launch(
            hl_kernel_normalise_rows, shares.grid,
            hl_cuda_normalise_rows(
                x: x.f32, y: output.f32, norms: norms.f32, rows: shares.rows, columns: shares.columns,
                lanes: shares.lanes))
        return (output, norms)
    }

    package func normaliseRowsBackward(_ gradient: Tensor, output: Tensor, norms: Tensor) -> Tensor {
        precondition(gradient.shape == output.shape && norms.elementCount == output.shape[0])
        let result = like(gradient), shares = RowShares(output)
        launch(
            hl_kernel_normalise_rows_backward, shares.grid,
            hl_cuda_normalise_rows_backward(
                gradient: gradient.f32, y: output.f32, norms: norms.f32, result: result.f32, rows: shares.rows,
                columns: shares.columns, lanes: shares.lanes))
        return result
    }
}

/// How the threads of a launch share rows: a few, a power of two, take one together.
struct RowShares {
    /// Rows in all.
    let rows: UInt32
    /// Values of one.
    let columns: UInt32
    /// Threads a row: four values each, where a block has as many.
    let lanes: UInt32

    /// So many rows.
    init(rows: Int, columns: Int) {
        self.rows = UInt32(kernel: rows)
        self.columns = UInt32(kernel: columns)
        var lanes = 1
        while lanes < Int(HL_CUDA_THREADS) && 4 * lanes < columns { lanes *= 2 }
        self.lanes = UInt32(lanes)
    }

    /// Those of a matrix [B, d].
    init(_ matrix: Tensor) {
        precondition(matrix.shape.count == 2, "\(matrix.shape) is no matrix")
        self.init(rows: matrix.shape[0], columns: matrix.shape[1])
    }

    /// Blocks for all rows.
    var grid: Grid {
        let rowsOfBlock = Int(HL_CUDA_THREADS) / Int(lanes)
        return Grid((Int(rows) + rowsOfBlock - 1) / rowsOfBlock)
    }
}

extension Tensor {
    /// The address of the values of an F64 tensor: sums that are not done.
    var f64: UnsafeMutablePointer<Double> {
        precondition(type == .f64)
        return cuda.address.assumingMemoryBound(to: Double.self)
    }
}
