/// What a backend makes of BF16.
package enum BF16Support: Sendable {
    /// Instructions of the processor or the card.
    case native
    /// Such instructions, which the F32 form is ahead of: what is asked for is computed, and nobody is advised to ask.
    case slow
    /// F32, rounded where others would store BF16: the reference.
    case emulated
    /// As `emulated`, in a backend that is there for its speed: nobody wants that.
    case missing

    /// Whether there are instructions for it.
    var hasInstructions: Bool { self == .native || self == .slow }
}
