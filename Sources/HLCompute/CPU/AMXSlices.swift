import CKernels
import HLTensor

/// The gradient of a kernel for a batch: sums over slices of it, which are added up in their order. Where there are slices enough
/// each lies with one thread, and no thread waits for another before all are done.
///
/// Slices and what is taken of one at once are functions of the shape alone, and so is every bit of the sum.
final class AMXSlices {
    private struct Slice {
        let samples: Range<Int>
        /// What is taken of it at once, one after the other, from which sample on.
        let pieces: [(first: Int, gradient: AMXGradient)]
    }

    /// Bytes and floats of a kernel.
    private let bytes, size: Int
    private let slices: [Slice]
    /// Those of the largest piece, whole lines of the cache.
    private let lineBytes: Int

    /// - Parameters:
    ///   - input: [B, C, H, W].
    ///   - output: [B, O, H', W'].
    init(_ layout: AMXWeights, input: [Int], output: [Int], window: Window) {
        (bytes, size) = (layout.byteCount, layout.byteCount / MemoryLayout<Float>.size)
        func shapes(_ samples: Int) -> (input: [Int], output: [Int]) {
            ([samples] + input.dropFirst(), [samples] + output.dropFirst())
        }
        let all = input[0], count = Self.count(bytes, samples: all, positions: output[2] * output[3])
        let slice = shapes(all / count)
        let most = AMXGradient.samples(layout.kernel, input: slice.input, output: slice.output, window: window)
        var gradients: [Int: AMXGradient] = [:]
        slices = (0..<count).map {
            let samples = all * $0 / count..<all * ($0 + 1) / count
            return Slice(
                samples: samples,
                pieces: stride(from: samples.lowerBound, to: samples.upperBound, by: most).map { first in
                    let shapes = shapes(min(most, samples.upperBound - first))
                    let gradient =
                        gradients[shapes.input[0]]
                        ?? AMXGradient(layout.kernel, input: shapes.input, output: shapes.output, window: window)
                    gradients[shapes.input[0]] = gradient
                    return (first, gradient)
                })
        }
        lineBytes = gradients.values.reduce(64) { max($0, ($1.lineBytes + 63) / 64 * 64) }
    }

    /// Bytes that the sums of all slices may take, measured on a Xeon: more are no faster.
    private static let sumBytes = 8 << 20
    /// Samples and positions that make a slice, and slices that are worth being added up, at least and at most.
    private static let leastSamples = 4, leastPositions = 192, leastSlices = 4, mostSlices = 64

    /// A power of two, or one slice where a kernel is too large or a batch too small for several.
    private static func count(_ bytes: Int, samples: Int, positions: Int) -> Int {
        let least = max(leastSamples, (leastPositions + positions - 1) / positions)
        let most = min(mostSlices, samples / least, sumBytes / bytes)
        return most < leastSlices ? 1 : 1 << (Int.bitWidth - 1 - most.leadingZeroBitCount)
    }

    /// Whether a slice for each thread at a time keeps nearly all of them busy to the end. No bit depends on it.
    private func suits(_ threads: Int) -> Bool {
        let rounds = (slices.count + threads - 1) / threads
        return 4 * rounds * threads <= 5 * slices.count
    }

    /// Of y, the gradient of the output, and x, both of which have samples.
    func sum(
        _ y: Tensor, _ x: Tensor, into result: Tensor, on backend: any ConvolutionHost, timed: (() -> Void) -> Void
    ) {
        let isShared = !suits(backend.threads)
        let rooms = backend.storage(bytes: (isShared ? 1 : backend.threads) * lineBytes, .plain)
        let parts = slices.count == 1 ? nil : backend.storage(bytes: slices.count * bytes, .plain)
        nonisolated(unsafe) let (sum, lines) = (result.floats, UnsafeMutableRawPointer(rooms.bytes))
        nonisolated(unsafe) let sums = parts?.floats ?? sum
        func add(_ index: Int, lines: UnsafeMutableRawPointer, split: (Int, (Range<Int>) -> Void) -> Void) {
            for piece in slices[index].pieces {
                piece.gradient.add(
                    y, x, from: piece.first, of: slices[index].samples, lines: lines, to: sums + index * size,
                    split: split)
            }
        }
        timed {
            if isShared {
                for index in slices.indices { add(index, lines: lines) { backend.parallel($0, grain: 1, $1) } }
            } else {
                backend.parallel(tasks: slices.count) { worker, index in
                    add(index, lines: lines + worker * lineBytes) { $1(0..<$0) }
                }
            }
            if parts != nil { backend.parallel(size, grain: 1 << 12) { addUp(sums, $0, into: sum) } }
        }
        withExtendedLifetime((parts, rooms)) {}
    }

    /// Some values of the sums of all slices.
    private func addUp(
        _ sums: UnsafePointer<Float>, _ range: Range<Int>, into result: UnsafeMutablePointer<Float>
    ) {
        let target = result + range.lowerBound
        target.update(from: sums + range.lowerBound, count: range.count)
        for index in 1..<slices.count { hl_axpy(1, sums + index * size + range.lowerBound, target, range.count) }
    }
}
