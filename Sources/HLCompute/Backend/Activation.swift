/// act(u) = clamp(gain · (u > 0 ? u : slope · u)).
package struct Activation: Sendable, Hashable {
    package let slope: Float
    package let gain: Float
    /// Results beyond ±clamp are cut off.
    package let clamp: Float

    package init(slope: Float, gain: Float = 1, clamp: Float = .infinity) {
        self.slope = slope
        self.gain = gain
        self.clamp = clamp
    }

    package static let identity = Activation(slope: 1)
    package static let relu = Activation(slope: 0)
}
