/// Tells when a discriminator has won: its hinge loss is next to nothing, and so is what the generator learns from it.
package struct DiscriminatorWatch {
    /// Hinge losses under this are those of a discriminator that knows nearly every image (2 is chance).
    package static let threshold = 0.3
    /// Steps over which the loss is averaged.
    package static let window = 1000

    /// The mean loss over a window that was under the threshold, the first time.
    package private(set) var wonAt: Double?
    private var sum = 0.0
    private var count = 0
    /// The step that the window begins behind.
    private var start = 0

    /// - Parameters:
    ///   - loss: of a step; not all of them need to be read.
    ///   - step: its number, from 1.
    /// - Returns: whether it has won now, for the first time.
    package mutating func add(_ loss: Double, step: Int) -> Bool {
        sum += loss
        count += 1
        guard step - start >= Self.window else { return false }
        let mean = sum / Double(count)
        (sum, count, start) = (0, 0, step)
        guard mean < Self.threshold, wonAt == nil else { return false }
        wonAt = mean
        return true
    }

    // MARK: In a checkpoint

    /// Bits of all that it goes on from.
    package var words: [Int64] {
        [
            Int64(bitPattern: sum.bitPattern), Int64(count), Int64(start),
            Int64(bitPattern: (wonAt ?? .nan).bitPattern),
        ]
    }

    package init() {}

    /// nil for what `words` does not give.
    package init?(words: [Int64]) {
        guard words.count == 4, words[1] >= 0, words[2] >= 0 else { return nil }
        sum = Double(bitPattern: UInt64(bitPattern: words[0]))
        (count, start) = (Int(words[1]), Int(words[2]))
        let mean = Double(bitPattern: UInt64(bitPattern: words[3]))
        wonAt = mean.isNaN ? nil : mean
    }
}
