/// Options that more than one method has.
extension MethodOption {
    /// τ.
    static func temperature(default temperature: Float) -> MethodOption {
        MethodOption("temperature", "temperature of InfoNCE", .positive, default: .number(temperature))
    }

    /// m of a `MomentumEncoder`.
    static func targetMomentum(default momentum: Float) -> MethodOption {
        MethodOption(
            "target-momentum", "momentum of the momentum encoder, where it rises that of the first step",
            .numbers(0...1), default: .number(momentum))
    }

    /// Batch norm in a `ContrastiveHead`.
    static let headNorm = MethodOption(
        "head-norm", "batch norm in the head, as in SimCLR's own code; COP-Gen's has none and starts more slowly",
        .flag,
        default: .flag(true))

    /// Views of a sample beside its anchor, for methods that take more than a pair (`MethodViews.anchorAndPositives`).
    static func positives(default count: Int) -> MethodOption {
        MethodOption(
            "positives", "positives of every anchor, views 1 to n", .integers(from: 1, to: 1000),
            default: .integer(count))
    }
}
