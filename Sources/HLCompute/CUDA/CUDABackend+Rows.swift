import CCUDA
import HLTensor

/// Copies along the first dimension, which lies outermost in either order: no kernel looks into a row.
extension CUDABackend {
    package func rows(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= x.shape[0])
        let result = allocate([range.count] + x.shape.dropFirst(), type: x.type)
        copy(x.address(row: range.lowerBound), to: result.cuda.address, byteCount: result.byteCount)
        return result
    }

    /// Indices are on the card, where nobody sees whether they are rows of `x`.
    package func rows(_ x: Tensor, at indices: Tensor) -> Tensor {
        let count = indices.elementCount, result = allocate([count] + x.shape.dropFirst(), type: x.type)
        let bytes = x.shape.dropFirst().reduce(1, *) * x.type.size, words = bytes % 4 == 0 ? bytes / 4 : 0
        let units = UInt32(kernel: count * (words > 0 ? words : bytes))
        launch(
            hl_kernel_gather_rows, .over(Int(units)),
            hl_cuda_gather_rows(
                x: x.cuda.address, at: indices.i32, y: result.cuda.address, rows: UInt32(kernel: count),
                words: UInt32(kernel: words), bytes: UInt32(kernel: bytes)))
        return result
    }

    package func assignRows(_ source: Tensor, to target: Tensor, at start: Int) {
        precondition(
            source.type == target.type && source.shape.dropFirst() == target.shape.dropFirst() && start >= 0
                && start + source.shape[0] <= target.shape[0])
        copy(source.cuda.address, to: target.address(row: start), byteCount: source.byteCount)
        target.cuda.version += 1
    }

    package func concatenate(_ parts: [Tensor]) -> Tensor {
        let first = parts[0], shape = [parts.reduce(0) { $0 + $1.shape[0] }] + first.shape.dropFirst()
        let result = allocate(shape, type: first.type)
        precondition(parts.allSatisfy { $0.type == first.type && $0.shape.dropFirst() == first.shape.dropFirst() })
        if parts.allSatisfy({ $0 === first }) {
            repeated(first, into: result)
            return result
        }
        var row = 0
        for part in parts {
            copy(part.cuda.address, to: result.address(row: row), byteCount: part.byteCount)
            row += part.shape[0]
        }
        return result
    }

    /// Fills a tensor with copies of another, twice as many each time.
    private func repeated(_ part: Tensor, into target: Tensor) {
        copy(part.cuda.address, to: target.cuda.address, byteCount: part.byteCount)
        var done = part.byteCount
        while done > 0 && done < target.byteCount {
            let more = min(done, target.byteCount - done)
            copy(target.cuda.address, to: target.cuda.address + done, byteCount: more)
            done += more
        }
    }

    package func reshaped(_ x: Tensor, _ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == x.elementCount)
        let renamed = Tensor(x.type, shape: shape, storage: x.storage)
        let isSameOrder =
            x.isRearranged
            ? renamed.isRearranged && x.shape[1] == shape[1] && x.positions == renamed.positions
            : !renamed.isRearranged
        if isSameOrder { return copy(renamed) }
        let plain = rowMajor(x)
        // Where it is not x itself, nobody else has it.
        guard renamed.isRearranged else { return Tensor(x.type, shape: shape, storage: plain.storage) }
        let result = allocate(shape, type: x.type)
        permute(plain, to: result, inner: result.positions, outer: shape[1])
        return result
    }
}

/// Columns of matrices, and channels, which are columns where they lie last.
extension CUDABackend {
    package func columns(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        precondition(x.shape.count == 2 && range.lowerBound >= 0 && range.upperBound <= x.shape[1])
        return channels(x, range)
    }

    package func channels(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= x.shape[1])
        let result = allocate([x.shape[0], range.count] + x.shape.dropFirst(2), type: x.type)
        let run = x.run, (width, stride, start) = (range.count * run, x.shape[1] * run, range.lowerBound * run)
        let step = Self.step(width, stride, start)
        launch(
            hl_kernel_take_columns, .over(result.elementCount / step),
            hl_cuda_take_columns(
                x: x.either, y: result.either, count: result.count32 / UInt32(step),
                width: UInt32(kernel: width / step), stride: UInt32(kernel: stride / step),
                start: UInt32(kernel: start / step), step: UInt32(step)))
        return result
    }

    package func placeChannels(_ gradient: Tensor, in shape: [Int], at start: Int) -> Tensor {
        precondition(
            gradient.shape[0] == shape[0] && gradient.shape.dropFirst(2) == shape.dropFirst(2) && start >= 0
                && start + gradient.shape[1] <= shape[1])
        let result = allocate(shape, type: gradient.type), run = gradient.run
        let (width, stride, start) = (gradient.shape[1] * run, shape[1] * run, start * run)
        let step = Self.step(width, stride, start)
        launch(
            hl_kernel_place_columns, .over(result.elementCount / step),
            hl_cuda_place_columns(
                x: gradient.either, y: result.either, count: result.count32 / UInt32(step),
                width: UInt32(kernel: width / step), stride: UInt32(kernel: stride / step),
                start: UInt32(kernel: start / step), step: UInt32(step)))
        return result
    }

    package func addColumns(_ source: Tensor, into target: Tensor, at start: Int) {
        let (width, stride) = (source.shape[1], target.shape[1])
        precondition(source.shape[0] == target.shape[0] && start >= 0 && start + width <= stride)
        precondition(source.shape.count == 2 && target.shape.count == 2)
        let step = Self.step(width, stride, start)
        launch(
            hl_kernel_add_columns, .over(source.elementCount / step),
            hl_cuda_add_columns(
                x: source.either, y: target.either, count: source.count32 / UInt32(step),
                width: UInt32(kernel: width / step), stride: UInt32(kernel: stride / step),
                start: UInt32(kernel: start / step), step: UInt32(step)))
        target.cuda.version += 1
    }

    /// How many values a thread takes at once where these are numbers of neighbours.
    static func step(_ counts: Int...) -> Int { counts.allSatisfy { $0 % 4 == 0 } ? 4 : 1 }
}

extension Tensor {
    /// Neighbours in memory that are of one channel: 1 where channels lie last, else all positions.
    fileprivate var run: Int { shape.count == 4 ? 1 : positions }
}
