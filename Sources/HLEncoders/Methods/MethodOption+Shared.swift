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
}
