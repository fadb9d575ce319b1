/// act(u) = clamp(gain · (u > 0 ? u : slope · u)).
package struct Activation: Sendable, Hashable {
    /// Factor below 0.
    package let slope: Float
    /// Factor on the result.
    package let gain: Float
    /// Results beyond ±clamp are cut off.
    package let clamp: Float

    /// An activation without gain and bound unless they are given.
    package init(slope: Float, gain: Float = 1, clamp: Float = .infinity) {
        self.slope = slope
        self.gain = gain
        self.clamp = clamp
    }

    /// u itself.
    package static let identity = Activation(slope: 1)
    /// max(u, 0).
    package static let relu = Activation(slope: 0)
    /// min(max(u, 0), 6), as in Sandler et al. 2018.
    package static let relu6 = Activation(slope: 0, clamp: 6)
}
