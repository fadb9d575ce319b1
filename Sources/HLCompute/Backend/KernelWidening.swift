/// What changes the side next to a convolution of 3 × 3 taps, and becomes one with it: a kernel of 4 × 4 taps with stride 2
/// and padding 1.
package enum KernelWidening: Sendable, Hashable, CaseIterable {
    /// Means of squares of 2 × 2 behind it: a convolution, [O, I, 4, 4].
    case pooling
    /// Nearest-neighbour upsampling before it: a transposed convolution, [I, O, 4, 4].
    case upsampling

    /// That of the wide kernel.
    package static let window = Window(size: 4, stride: 2, padding: 1)

    /// Factor on every tap.
    var scale: Float { self == .pooling ? 0.25 : 1 }

    /// The wide kernel's shape for a weight [O, I, 3, 3].
    package func shape(of weight: [Int]) -> [Int] {
        precondition(weight.count == 4 && weight[2] == 3 && weight[3] == 3, "a kernel of \(weight)")
        return self == .pooling ? [weight[0], weight[1], 4, 4] : [weight[1], weight[0], 4, 4]
    }
}
