import CKernels
import HLTensor

/// Weights of upsampling convolutions by phase: every phase of the large image, even or odd row and column, is a small
/// convolution of the small image, so that the large image in between is never made.
enum PhaseWeights {
    /// Nearest-neighbour upsampling and a 3 × 3 convolution with padding 1, [O, I, 3, 3], as a 2 × 2 convolution with
    /// padding 1, [4O, I, 2, 2], whose output overlaps (`PhaseArrangement.overlappingPhases`). An even row meets
    /// w₀ · x[i − 1] + (w₁ + w₂) · x[i], an odd one (w₀ + w₁) · x[i] + w₂ · x[i + 1].
    static func nearest(_ weight: HostTensor, scale: Float) -> HostTensor {
        combined(
            weight, side: 2,
            taps: [[[1, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]], scale: scale)
    }

    /// StyleGAN2's upsampling convolution: the transposed 3 × 3 convolution with stride 2 of the weight [O, I, 3, 3] as
    /// stored, then the filter of 4 taps in each direction with a gain of 2, as a 3 × 3 convolution with padding 1,
    /// [4O, I, 3, 3] (`PhaseArrangement.phases`).
    ///
    /// Row 2i + p of the result is Σ over k of f[3 − k] t[2i + p + k − 1] with t[2j + a] = Σ w[a] x[j]: the weight of
    /// x[i + d] sums f[3 − k] w[a] over k with a = p + k − 1 − 2d.
    /// - Parameter filter: the four taps, which add up to 1 as the reference stores them.
    static func transposed(_ weight: HostTensor, filter: [Float]) -> HostTensor {
        var taps = [[[Float]]](
            repeating: [[Float]](repeating: [0, 0, 0], count: 3), count: 2)
        for phase in 0..<2 {
            for offset in -1...1 {
                for k in 0..<4 where (0...2).contains(phase + k - 1 - 2 * offset) {
                    taps[phase][offset + 1][phase + k - 1 - 2 * offset] += 2 * filter[3 - k]
                }
            }
        }
        return combined(weight, side: 3, taps: taps, scale: 1)
    }

    /// [4O, I, side, side] from [O, I, 3, 3]: tap (y, x) of phase (p, q) is Σ taps[p][y][a] taps[q][x][b] w[a][b].
    private static func combined(
        _ weight: HostTensor, side: Int, taps: [[[Float]]], scale: Float
    ) -> HostTensor {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1]), count = outputs * inputs
        // One matrix for all kernels: [9] to [4][side²], its rows filled up to whole vectors.
        let columns = side == 2 ? 16 : 48
        var matrix = [Float](repeating: 0, count: 9 * columns)
        for tap in 0..<9 {
            for place in 0..<4 * side * side {
                let (phase, y, x) = (place / (side * side), place / side % side, place % side)
                matrix[tap * columns + place] = taps[phase / 2][y][tap / 3] * taps[phase % 2][x][tap % 3] * scale
            }
        }
        return HostTensor(.f32, shape: [4 * outputs, inputs, side, side]) { bytes in
            weight.withUnsafeElements(as: Float.self) { source in
                if let from = source.baseAddress, let to = bytes.bindMemory(to: Float.self).baseAddress {
                    hl_combine_kernels(from, to, count, matrix, side * side)
                }
            }
        }
    }
}
