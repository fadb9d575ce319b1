/// A number with so many digits after the point; `-` for what is none.
package func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "-" : value < 0 ? "-inf" : "inf" }
    guard abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * scale).rounded(.toNearestOrEven)
    let whole = (scaled / scale).rounded(.down)
    let fraction = String(Int(scaled - whole * scale))
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(Int(whole))" }
    return "\(sign)\(Int(whole))." + String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
}

/// A number for people, with at most so many digits after the point and at least one.
package func rounded(_ value: Double, to digits: Int = 3) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    return "\((value * scale).rounded() / scale)"
}

extension Double {
    /// Without the `.0` of whole numbers.
    package var plainText: String {
        let text = description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
