import CSystem
import Testing

/// Numbers that depend on nothing but their seed (SplitMix64, https://prng.di.unimi.it/splitmix64.c).
struct Numbers {
    private var state: UInt64

    init(_ seed: Int) { state = UInt64(seed) }

    mutating func word() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Uniform from `low` to below `high`.
    mutating func floats(_ count: Int, _ low: Float = -1, _ high: Float = 1) -> [Float] {
        (0..<count).map { _ in low + (high - low) * Float(word() >> 40) * 0x1p-24 }
    }

    /// Eighths from −2 to 2: few enough bits that products and sums of them are exact, so that a kernel must agree with
    /// its formula to the bit, kinks and ties included.
    mutating func eighths(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(Int(word() % 33) - 16) / 8 }
    }
}

/// Whether every value lies within `tolerance` of the formula's, relative to `scale`, else to the greatest magnitude of
/// these. NaN and infinity must be met exactly, and 0 asks for equality.
func expectClose<Value: BinaryFloatingPoint>(
    _ found: [Value], _ expected: [Double], within tolerance: Double, of scale: Double? = nil, _ what: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(found.count == expected.count, "\(what)", sourceLocation: sourceLocation)
    let scale = scale ?? expected.filter(\.isFinite).map(\.magnitude).max() ?? 0
    let wrong = zip(found, expected).enumerated().first { _, pair in
        let (a, b) = (Double(pair.0), pair.1)
        if !b.isFinite { return b.isNaN ? !a.isNaN : a != b }
        return !(abs(a - b) <= tolerance * scale)
    }
    #expect(wrong == nil, "\(what)", sourceLocation: sourceLocation)
}

/// Runs a kernel and each of its clones that this machine can run, which must agree to the bit; returns their result.
func everyClone<Kernel, Value>(
    _ kernel: Kernel, avx2: Kernel, baseline: Kernel, sourceLocation: SourceLocation = #_sourceLocation,
    _ run: (Kernel) -> [Value]
) -> [Value] {
    let result = run(kernel)
    // The one that the loader picked is the first; on a machine with AVX-512 it is a third one.
    let clones = String(cString: hl_instruction_set()) == "baseline" ? [baseline] : [baseline, avx2]
    for clone in clones {
        let other = run(clone)
        let same = result.withUnsafeBytes { a in other.withUnsafeBytes { a.elementsEqual($0) } }
        #expect(same, "a clone gives other bits", sourceLocation: sourceLocation)
    }
    return result
}
