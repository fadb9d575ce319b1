/// What a backend makes of BF16.
package enum BF16Support: Sendable {
    /// Instructions of the processor or the card.
    case native
    /// F32, rounded where others would store BF16: the reference.
    case emulated
    /// As `emulated`, in a backend that is there for its speed: nobody wants that.
    case missing
}
