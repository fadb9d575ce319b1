import CKernels
import Glibc

/// How samples are weighted when an image is resized. Both widen by the factor of reduction.
package enum ResamplingKernel: Sendable {
    /// Pillow's BILINEAR.
    case triangle
    /// Pillow's LANCZOS, of three lobes.
    case lanczos

    /// How far the filter reaches.
    fileprivate var support: Double { self == .triangle ? 1 : 3 }

    fileprivate func weight(at x: Double) -> Double {
        switch self {
        case .triangle: max(1 - abs(x), 0)
        case .lanczos: x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
        }
    }

    private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

/// A piece of a line of pixels that is resized: from `start` on, `length` long, both in pixels, perhaps broken ones.
struct ResizeStretch {
    var start: Double
    var length: Double
    /// The pixels that may be looked at.
    var pixels: Range<Int>

    init(start: Double, length: Double, pixels: Range<Int>) {
        self.start = start
        self.length = length
        self.pixels = pixels
    }

    /// A whole line.
    init(whole count: Int) { self.init(start: 0, length: Double(count), pixels: 0..<count) }

    /// A piece that is resized as if it had been cut out, with nothing of its neighbours: of the outermost pixels, which may
    /// be broken, all.
    init(cutting start: Double, length: Double, of count: Int) {
        let first = min(max(Int(start.rounded(.down)), 0), count - 1)
        let end = min(max(Int((start + length).rounded(.up)), first + 1), count)
        self.init(start: start, length: length, pixels: first..<end)
    }
}

/// The weights of one pass of a resize: which source samples make each target sample.
struct ResizeTaps {
    /// Of each target sample, the first source sample and how many.
    private var starts: [Int32] = []
    private var counts: [Int32] = []
    /// `most` weights for each target sample; the first `counts` of them are used and sum to 2²² but for rounding.
    private var weights: [Int32]
    private let most: Int

    var count: Int { starts.count }
    /// All source samples that are used.
    private(set) var span: Range<Int>

    /// As in Pillow, to the bit, where the stretch begins with its first pixel.
    /// - Parameters:
    ///   - newCount: target samples that the stretch becomes.
    ///   - targets: those of them that are wanted, at least one.
    init(_ filter: ResamplingKernel, of stretch: ResizeStretch, to newCount: Int, targets: Range<Int>) {
        let scale = stretch.length / Double(newCount)
        let support = filter.support * max(scale, 1)
        let inverseScale = 1 / max(scale, 1)
        let origin = stretch.pixels.lowerBound, start = stretch.start - Double(origin)
        most = Int(support.rounded(.up)) * 2 + 1
        weights = [Int32](repeating: 0, count: targets.count * most)
        starts.reserveCapacity(targets.count)
        counts.reserveCapacity(targets.count)
        span = 0..<0
        withUnsafeTemporaryAllocation(of: Double.self, capacity: most) { unscaled in
            for (row, target) in targets.enumerated() {
                let centre = start + (Double(target) + 0.5) * scale
                let first = min(max(Int(centre - support + 0.5), 0), stretch.pixels.count - 1)
                let count = max(min(Int(centre + support + 0.5), stretch.pixels.count) - first, 1)
                var total = 0.0
                for tap in 0..<count {
                    unscaled[tap] = filter.weight(at: (Double(first + tap) - centre + 0.5) * inverseScale)
                    total += unscaled[tap]
                }
                for tap in 0..<count {
                    // A place beyond the last pixel has no weight of its own.
                    let share = total == 0 ? (tap == 0 ? 1 : 0) : unscaled[tap] / total
                    let weight = share * Double(1 << HL_RESIZE_FRACTION)
                    // Away from zero, as C's cast with half added.
                    weights[row * most + tap] = Int32(weight + (weight < 0 ? -0.5 : 0.5))
                }
                starts.append(Int32(origin + first))
                counts.append(Int32(count))
            }
        }
        let end = zip(starts, counts).map { Int($0 + $1) }.max() ?? 0
        span = Int(starts.min() ?? 0)..<end
    }

    /// The same with places counted from another first sample.
    func shifted(by offset: Int) -> ResizeTaps {
        var result = self
        for index in result.starts.indices { result.starts[index] -= Int32(offset) }
        result.span = span.lowerBound - offset..<span.upperBound - offset
        return result
    }

    func withTaps<Result>(_ body: (hl_resize_taps) -> Result) -> Result {
        starts.withUnsafeBufferPointer { starts in
            counts.withUnsafeBufferPointer { counts in
                weights.withUnsafeBufferPointer { weights in
                    body(
                        hl_resize_taps(
                            count: starts.count, most: most, starts: starts.baseAddress, counts: counts.baseAddress,
                            weights: weights.baseAddress))
                }
            }
        }
    }
}
