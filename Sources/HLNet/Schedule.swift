import Glibc

/// The learning rate over a run: linear warm-up, then half a cosine from `base` to `base * floor`
/// (Loshchilov & Hutter 2017).
package struct Schedule: Sendable, Equatable {
    /// The highest rate.
    package let base: Float
    /// Steps of the whole run.
    package let steps: Int
    /// Steps over which the rate rises; 0 for none.
    package let warmupSteps: Int
    /// Fraction of `base` that the cosine ends at.
    package let floor: Float

    /// Half a cosine to 0, step by step, unless told otherwise.
    package init(base: Float, steps: Int, warmupSteps: Int = 0, floor: Float = 0) {
        self.base = base
        self.steps = steps
        self.warmupSteps = warmupSteps
        self.floor = floor
    }

    /// The rate of step `step`, counted from 0.
    package func rate(_ step: Int) -> Float {
        if step < warmupSteps { return base * (Float(step) / Float(warmupSteps)) }
        let progress = Double(step - warmupSteps) / Double(max(1, steps - warmupSteps))
        let lowest = Double(base) * Double(floor)
        return Float(lowest + (Double(base) - lowest) * 0.5 * (1 + cos(Double.pi * min(1, progress))))
    }
}
