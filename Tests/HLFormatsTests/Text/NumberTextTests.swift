import HLFormats
import Testing

@Suite struct NumberTextTests {
    /// Halves to even, as printf.
    @Test(
        arguments: [
            (0, 2, "0.00"), (0.005, 2, "0.00"), (0.015, 2, "0.02"), (-0.001, 2, "0.00"), (-0.25, 1, "-0.2"),
            (2.5, 0, "2"),
            (0.125, 2, "0.12"), (0.375, 2, "0.38"), (99.995, 1, "100.0"), (1234.5678, 3, "1234.568"),
            (0.07, 4, "0.0700"),
            (.nan, 2, "-"), (.infinity, 2, "inf"), (-.infinity, 2, "-inf"), (1e17, 2, "1e+17"),
        ] as [(Double, Int, String)])
    func fixedDigits(value: Double, digits: Int, text: String) { #expect(fixed(value, digits) == text) }

    @Test func roundedDropsZeros() {
        #expect(rounded(0.66666) == "0.667" && rounded(2) == "2.0" && rounded(0.1) == "0.1")
        #expect(rounded(3.627, to: 2) == "3.63" && rounded(411.96, to: 1) == "412.0")
    }

    @Test func plainTextHasNoPointOfWholeNumbers() {
        #expect(2.0.plainText == "2" && 0.5.plainText == "0.5" && Double.infinity.plainText == "inf")
    }
}
