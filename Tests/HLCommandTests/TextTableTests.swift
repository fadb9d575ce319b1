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
}
