import Glibc

/// exp(−Σ p ln p), p = w / Σ w + ε: how many of the weights w count (Roy and Vetterli, *The effective rank*, EUSIPCO 2007).
/// - Parameter weights: from 0 up, not all 0.
func effectiveRank(of weights: [Double], epsilon: Double) -> Double {
    let total = weights.reduce(0, +)
    let entropy = weights.reduce(0.0) { sum, weight in
        let share = weight / total + epsilon
        return share > 0 ? sum - share * log(share) : sum
    }
    return exp(entropy)
}
