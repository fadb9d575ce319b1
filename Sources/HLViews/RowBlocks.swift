import Dispatch

/// Splits the rows of a batch over threads. Every row is computed by itself, so the split shows in no result.
enum RowBlocks {
    /// Below this many values a second thread costs more than it saves.
    static let smallestShare = 1 << 14

    /// Calls `body` with ranges that together cover `0 ..< rows` once each, on up to `threads` threads, and returns
    /// when all are done.
    static func forEach(rows: Int, rowSize: Int, threads: Int, _ body: (Range<Int>) -> Void) {
        let useful = max(1, (rows * max(rowSize, 1)) / smallestShare)
        let parts = max(1, min(threads, rows, useful))
        if parts == 1 {
            if rows > 0 { body(0..<rows) }
            return
        }
        // The call returns after the last part, so nothing escapes; parts touch different rows.
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                body(rows * part / parts..<rows * (part + 1) / parts)
            }
        }
    }
}

/// The rows of a tensor that several threads write, each its own.
struct RowPointer: @unchecked Sendable {
    // Unchecked: `RowBlocks` hands every row to one thread only.
    private let base: UnsafeMutablePointer<Float>?
    private let rowSize: Int

    init(_ buffer: UnsafeMutableBufferPointer<Float>, rowSize: Int) {
        base = buffer.baseAddress
        self.rowSize = rowSize
    }

    /// The start of a row; an address that must not be read or written where rows are empty.
    subscript(row: Int) -> UnsafeMutablePointer<Float> {
        base.map { $0 + row * rowSize } ?? UnsafeMutablePointer(bitPattern: 64)!
    }
}

/// The same for memory that is only read.
struct ConstantRowPointer<Element>: @unchecked Sendable {
    private let base: UnsafePointer<Element>?
    private let rowSize: Int

    init(_ buffer: UnsafeBufferPointer<Element>, rowSize: Int) {
        base = buffer.baseAddress
        self.rowSize = rowSize
    }

    subscript(row: Int) -> UnsafePointer<Element> {
        base.map { $0 + row * rowSize } ?? UnsafePointer(bitPattern: 64)!
    }
}
