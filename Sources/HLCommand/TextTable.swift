/// A table for people: the first column flush left, the others flush right unless they are words.
package struct TextTable {
    private var rows: [[String]]
    private let words: Set<Int>

    /// - Parameter words: further columns that are flush left.
    package init(_ heading: [String], words: Set<Int> = []) {
        rows = [heading]
        self.words = words.union([0])
    }

    package mutating func add(_ row: [String]) { rows.append(row) }

    /// One line per row, each ended by a line break, `indentation` spaces before it.
    package func text(indentation: Int = 0) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            var line = String(repeating: " ", count: indentation)
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += (column == 0 ? "" : "  ") + (words.contains(column) ? cell + padding : padding + cell)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
