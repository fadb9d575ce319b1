import HLTensor

/// The type of activations in a network. Weights, statistics, heads, losses and optimisers are F32 in any case.
package enum Precision: String, Sendable, CaseIterable {
    /// IEEE 754's 32 bits.
    case f32
    /// F32 in memory, of which convolutions take 10 bits of significand, as NVIDIA's cards from compute capability 8.0 on do
    /// (https://docs.nvidia.com/cuda/ampere-tuning-guide).
    case tf32
    /// The upper half of an F32: its range, with 8 bits of significand
    /// (Kalamkar et al. 2019, https://arxiv.org/abs/1905.12322).
    case bf16

    /// That of tensors.
    package var type: ElementType { self == .bf16 ? .bf16 : .f32 }
}

/// What a user asks for: a precision, or the fastest that the processor computes.
package enum PrecisionChoice: String, Sendable, CaseIterable {
    case f32
    case tf32
    case bf16
    /// BF16 where the processor or the card is faster in it, else F32.
    case auto

    /// - Throws: `Failure` (usage) for BF16 on a fast backend whose processor or card does not compute it, and for TF32 where
    ///   there is none.
    package func precision(on backend: any Backend) throws(Failure) -> Precision {
        switch self {
        case .f32: return .f32
        case .tf32:
            guard backend.hasTF32 else {
                throw Failure(
                    .usage,
                    "tf32 is a precision of NVIDIA's cards from compute capability 8.0 on, and this runs on none",
                    "use --precision f32, or --backend cuda on a machine with such a card")
            }
            return .tf32
        case .auto: return backend.bf16 == .native ? .bf16 : .f32
        case .bf16:
            guard backend.bf16 != .missing else {
                throw Failure(
                    .usage,
                    backend is CUDABackend
                        ? "this card computes no bf16: it takes compute capability 8.0"
                        : "this processor computes no bf16: it has neither AVX-512 BF16 nor AMX",
                    "use --precision f32, or --backend plain, which emulates it")
            }
            return .bf16
        }
    }
}
