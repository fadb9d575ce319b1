/// How far results may be from the reference, relative to its greatest magnitude.
package struct Tolerance: Sendable {
    package let values: Double
    package let gradients: Double

    package init(values: Double, gradients: Double) {
        self.values = values
        self.gradients = gradients
    }

    /// Of convolutions on the plain backend.
    package static let plain = Tolerance(values: 2e-6, gradients: 5e-6)
    /// Of those by a library: Winograd's algorithm rounds more coarsely than a plain sum.
    package static let library = Tolerance(values: 1e-4, gradients: 1e-4)
    /// Of those that round their inputs to 10 bits of significand.
    package static let tf32 = Tolerance(values: 2e-3, gradients: 2e-3)
}

/// Something that a backend made, held against what it should be.
package struct Finding: Sendable, CustomStringConvertible {
    /// What was held against what.
    package let place: String
    /// Greatest difference over the greatest magnitude of what is expected; infinite where a value is not finite.
    package let deviation: Double
    /// What it may be.
    package let tolerance: Double
    /// What is wrong beside the numbers, such as a shape.
    package let remark: String?

    /// Numbers beside numbers.
    package init(_ place: String, deviation: Double, tolerance: Double) {
        (self.place, self.deviation, self.tolerance, remark) = (place, deviation, tolerance, nil)
    }

    /// What no numbers need to tell.
    package init(_ place: String, wrong remark: String) {
        (self.place, deviation, tolerance, self.remark) = (place, .infinity, 0, remark)
    }

    /// Whether it is not what it should be.
    package var isFault: Bool { remark != nil || !(deviation <= tolerance) }

    package var description: String {
        "\(place): " + (remark ?? "off by \(deviation), \(isFault ? "where" : "and") \(tolerance) is allowed")
    }
}
