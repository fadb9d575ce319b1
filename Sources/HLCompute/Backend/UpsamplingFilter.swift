/// Zero insertion by two followed by a filter of 4 × 4 taps, as StyleGAN2's `upsample2d` (Karras et al. 2020).
package struct UpsamplingFilter: Sendable {
    /// The sixteen taps by phase of row and column, then by earlier and later row and column.
    package let taps: [Float]

    /// - Parameter kernel: row-major 4 × 4, as the reference stores it, without the gain of 4 that makes up for the
    ///   inserted zeros.
    package init(kernel: [Float]) {
        precondition(kernel.count == 16)
        var taps: [Float] = []
        // large[n] = Σ f[k] inserted[n + 1 − k] in each direction: at an even row k = 3 and 1 meet a value, else 2 and 0.
        for p in 0..<2 {
            for q in 0..<2 {
                for a in 0..<2 {
                    for b in 0..<2 { taps.append(4 * kernel[(3 - p - 2 * a) * 4 + 3 - q - 2 * b]) }
                }
            }
        }
        self.taps = taps
    }

    /// Row-major 4 × 4 as a transposed convolution with stride 2 takes it, with the gain of 4.
    package var kernel: [Float] {
        var kernel = [Float](repeating: 0, count: 16)
        for place in 0..<16 {
            let (p, q, a, b) = (place / 8, place / 4 % 2, place / 2 % 2, place % 2)
            kernel[(3 - p - 2 * a) * 4 + 3 - q - 2 * b] = taps[place]
        }
        return kernel
    }
}
