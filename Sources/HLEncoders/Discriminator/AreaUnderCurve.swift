/// The area under the receiver operating characteristic: the probability that a real image scores above a generated one,
/// with ties counted half (Mann and Whitney 1947; scikit-learn's `roc_auc_score`).
///
/// 0.5 is chance, 1 is perfect. NaN when one side is empty.
/// - Parameters: scores that are numbers.
package func areaUnderCurve(real: [Float], generated: [Float]) -> Double {
    precondition((real + generated).allSatisfy { !$0.isNaN })
    let all = (real.map { ($0, true) } + generated.map { ($0, false) }).sorted { $0.0 < $1.0 }
    var rankSum = 0.0, index = 0
    while index < all.count {
        var end = index
        while end < all.count && all[end].0 == all[index].0 { end += 1 }
        // Equal scores share the mean of their ranks, counted from 1.
        let rank = Double(index + 1 + end) / 2
        for entry in all[index..<end] where entry.1 { rankSum += rank }
        index = end
    }
    let count = Double(real.count)
    return (rankSum - count * (count + 1) / 2) / (count * Double(generated.count))
}
