import CKernels
import COpenBLAS
import HLTensor

extension CPUBackend {
    package func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor {
        let (m, k) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
        let (inner, n) = transposeB ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
        precondition(k == inner, "matrices \(a.shape) and \(b.shape) do not fit")
        let result = allocate([m, n])
        hl_blas_sgemm(
            transposeA ? 1 : 0, transposeB ? 1 : 0, Int32(m), Int32(n), Int32(k), 1, a.floats, Int32(a.shape[1]),
            b.floats, Int32(b.shape[1]), 0, result.floats, Int32(n))
        return result
    }

    package func projectRows(_ x: Tensor, _ weight: Tensor) -> Tensor {
        let (rows, inputs, outputs) = (x.shape[0], x.shape[1], weight.shape[0])
        precondition(weight.shape[1] == inputs, "rows of \(x.shape) and a weight of \(weight.shape) do not fit")
        let result = allocate([rows, outputs]), lanes = Int(HL_PROJECT_LANES)
        let panelWork = max(1, rows * inputs * lanes)
        parallel((outputs + lanes - 1) / lanes, grain: max(1, Self.elementGrain / panelWork)) { panels in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, inputs * lanes)) { packed in
                guard let packed = packed.baseAddress else { return }
                hl_project_rows(
                    x.floats, rows, inputs, weight.floats, outputs, panels.lowerBound, panels.upperBound, packed,
                    result.floats)
            }
        }
        return result
    }

    package func forEachTile(
        _ x: Tensor, _ y: Tensor, _ tiling: PairTiling, _ body: (PairTiling.Tile, UnsafePointer<Float>) -> Void
    ) throws {
        try takeFailure()
        let width = x.shape[1]
        precondition(width == y.shape[1], "rows of \(x.shape) and \(y.shape) do not fit")
        let (x, y) = (plain(x), plain(y))
        // A tile is one thread's, whole: the library rounds by the shape of a product, and by how it splits it.
        Libraries.onOneThread {
            parallel(tiling.count) { numbers in
                let size = PairTiling.side * PairTiling.side
                withUnsafeTemporaryAllocation(byteCount: size * 4, alignment: 64) { memory in
                    let products = memory.bindMemory(to: Float.self)
                    guard let products = products.baseAddress else { return }
                    for tile in numbers.lazy.map({ tiling[$0] }) {
                        hl_blas_sgemm(
                            0, 1, Int32(tile.rows.count), Int32(tile.columns.count), Int32(width), 1,
                            x.floats + tile.rows.lowerBound * width, Int32(width),
                            y.floats + tile.columns.lowerBound * width, Int32(width), 0, products,
                            Int32(tile.columns.count))
                        body(tile, products)
                    }
                }
            }
        }
    }

    package func addRowVector(_ vector: Tensor, to matrix: Tensor) {
        precondition(vector.elementCount == matrix.shape[1])
        forEachRow(matrix) { hl_add_row_vector(matrix.floats, vector.floats, $0, $1, matrix.shape[1]) }
        matrix.cpu.version += 1
    }

    package func columnSums(_ matrix: Tensor) -> Tensor {
        let result = allocate([matrix.shape[1]])
        parallel(matrix.shape[1], grain: max(1, Self.elementGrain / max(1, matrix.shape[0]))) {
            hl_column_sums(
                matrix.floats, matrix.shape[0], matrix.shape[1], $0.lowerBound, $0.upperBound, result.floats)
        }
        return result
    }

    package func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        precondition(x.shape.count == 2 && range.upperBound <= x.shape[1])
        let result = allocate([x.shape[0], range.count])
        for row in 0..<x.shape[0] {
            (result.floats + row * range.count).update(
                from: x.floats + row * x.shape[1] + range.lowerBound, count: range.count)
        }
        return result
    }

    package func addColumns(_ source: Tensor, into target: Tensor, at start: Int) {
        let (width, count) = (target.shape[1], source.shape[1])
        precondition(source.shape[0] == target.shape[0] && start + count <= width)
        for row in 0..<target.shape[0] {
            hl_axpy(1, source.floats + row * count, target.floats + row * width + start, count)
        }
        target.cpu.version += 1
    }

    package func reshaped(_ x: Tensor, _ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == x.elementCount)
        let source = plain(x), result = allocate(shape)
        result.floats.update(from: source.floats, count: source.elementCount)
        return result
    }

    package func rows(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= x.shape[0])
        let x = rowwise(x), result = allocate([range.count] + x.shape.dropFirst(), x.cpu.layout, type: x.type)
        let stride = x.storedRowBytes
        result.cpu.bytes.update(from: x.cpu.bytes + range.lowerBound * stride, count: range.count * stride)
        return result
    }

    package func rows(_ x: Tensor, at indices: Tensor) -> Tensor {
        let count = indices.elementCount, x = rowwise(x)
        let result = allocate([count] + x.shape.dropFirst(), x.cpu.layout, type: x.type)
        let stride = x.storedRowBytes, places = indices.integers
        for row in 0..<count {
            let index = Int(places[row])
            precondition((0..<x.shape[0]).contains(index))
            (result.cpu.bytes + row * stride).update(from: x.cpu.bytes + index * stride, count: stride)
        }
        return result
    }

    package func assignRows(_ source: Tensor, to target: Tensor, at start: Int) {
        precondition(
            source.type == target.type && source.shape.dropFirst() == target.shape.dropFirst() && start >= 0
                && start + source.shape[0] <= target.shape[0])
        if case .library = target.cpu.layout { adopt(.plain, for: target) }
        let source = laidOut(source, as: target.cpu.layout), stride = target.storedRowBytes
        (target.cpu.bytes + start * stride).update(from: source.cpu.bytes, count: source.storedBytes)
        target.cpu.version += 1
    }

    package func concatenate(_ parts: [Tensor]) -> Tensor {
        let layout = rowwise(parts[0]).cpu.layout
        let result = allocate(
            [parts.reduce(0) { $0 + $1.shape[0] }] + parts[0].shape.dropFirst(), layout, type: parts[0].type)
        var position = 0
        for part in parts {
            precondition(part.type == parts[0].type)
            let source = laidOut(part, as: layout)
            (result.cpu.bytes + position).update(from: source.cpu.bytes, count: source.storedBytes)
            position += source.storedBytes
        }
        return result
    }

    /// The tensor itself unless only a library knows where the entries of its first dimension lie; then row-major.
    private func rowwise(_ x: Tensor) -> Tensor { if case .library = x.cpu.layout { plain(x) } else { x } }

    /// Calls `body` with parts of the rows of [B, d].
    func forEachRow(_ matrix: Tensor, _ body: (_ first: Int, _ last: Int) -> Void) {
        parallel(matrix.shape[0], grain: max(1, Self.elementGrain / max(1, matrix.shape[1]))) {
            body($0.lowerBound, $0.upperBound)
        }
    }
}
