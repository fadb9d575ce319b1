/// How a network's last values become brightness 0…1.
package enum Squash: Sendable {
    /// (tanh x + 1) / 2
    case tanh
    /// (x + 1) / 2, cut off at 0 and 1.
    case clamp
}
