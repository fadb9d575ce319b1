import HLFormats
import Testing

@Suite struct NumberTextTests {
    @Test func fixedDigits() {
        for (value, digits, text) in [
            (0, 2, "0.00"), (1.005, 1, "1.0"), (99.999, 2, "100.00"), (-0.001, 2, "0.00"), (-1.25, 2, "-1.25"),
            // To even, as printf.
            (0.125, 2, "0.12"), (0.375, 2, "0.38"), (2.5, 0, "2"), (12.3456, 4, "12.3456"), (1e18, 2, "1e+18"),
            (.nan, 3, "-"), (.infinity, 1, "inf"), (-.infinity, 1, "-inf"),
        ] as [(Double, Int, String)] {
            #expect(fixed(value, digits) == text)
        }
    }

    @Test func roundedDropsZeros() {
        #expect(rounded(0.66666) == "0.667" && rounded(2) == "2.0" && rounded(0.1) == "0.1")
        #expect(rounded(3.627, to: 2) == "3.63" && rounded(411.96, to: 1) == "412.0")
    }

    @Test func plainTextHasNoPointOfWholeNumbers() {
        #expect(2.0.plainText == "2" && 0.5.plainText == "0.5" && Double.infinity.plainText == "inf")
    }
}
