/// A matrix of doubles in host memory, column by column, as LAPACK has them.
package struct DoubleMatrix: Sendable, Equatable {
    /// Entries of a column.
    package let rows: Int
    /// Entries of a row.
    package let columns: Int
    /// Entry (i, j) at i + j · rows.
    package private(set) var values: [Double]

    /// Takes `rows · columns` values over.
    package init(rows: Int, columns: Int, values: [Double]) {
        precondition(values.count == rows * columns)
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// A matrix of zeros.
    package init(rows: Int, columns: Int) {
        self.init(rows: rows, columns: columns, values: Array(repeating: 0, count: rows * columns))
    }

    /// One entry.
    package subscript(row: Int, column: Int) -> Double {
        get { values[row + column * rows] }
        set { values[row + column * rows] = newValue }
    }

    /// The part where both ranges meet.
    package func part(_ rows: Range<Int>, _ columns: Range<Int>) -> DoubleMatrix {
        DoubleMatrix(
            rows: rows.count, columns: columns.count,
            values: columns.flatMap { column in
                values[rows.lowerBound + column * self.rows..<rows.upperBound + column * self.rows]
            })
    }

    /// Every entry times `factor`.
    package func scaled(by factor: Double) -> DoubleMatrix {
        DoubleMatrix(rows: rows, columns: columns, values: values.map { $0 * factor })
    }

    /// The sum of the squares of all entries.
    package var squaredNorm: Double { values.reduce(0) { $0 + $1 * $1 } }
}
