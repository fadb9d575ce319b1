import HLCommand
import Testing

struct TextTableTests {
    @Test func columnsStandBelowEachOther() {
        var table = TextTable(["chunk", "mean", "std"])
        table.add(["0", "12.5000", "–"])
        table.add(["others", "∞"])
        #expect(
            table.text() == """
                chunk      mean  std
                0       12.5000    –
                others        ∞

                """)
        #expect(table.text(indentation: 2).split(separator: "\n").allSatisfy { $0.hasPrefix("  ") })
    }

    /// Rows of different lengths, and nothing behind the last character of a line.
    @Test func emptyCells() {
        var table = TextTable(["p \\ q", "1", "2"])
        table.add(["0", "", "1.0"])
        table.add(["1", "0.5", ""])
        #expect(table.text() == "p \\ q    1    2\n0           1.0\n1      0.5\n")
    }

    @Test(
        arguments: [
            (0, 2, "0.00"), (0.005, 2, "0.00"), (0.015, 2, "0.02"), (-0.001, 2, "0.00"), (-0.25, 1, "-0.2"),
            (2.5, 0, "2"),
            (99.995, 1, "100.0"), (1234.5678, 3, "1234.568"), (0.07, 4, "0.0700"), (.nan, 2, "-"),
            (.infinity, 2, "inf"),
            (-.infinity, 2, "-inf"), (1e17, 2, "1e+17"),
        ] as [(Double, Int, String)])
    func fixedDigits(value: Double, digits: Int, text: String) { #expect(fixed(value, digits) == text) }
}
