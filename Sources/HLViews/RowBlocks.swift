import HLTensor

/// Splits the rows of a batch over threads. Every row is computed by itself, so the split shows in no result.
enum RowBlocks {
    /// Below this many values a second thread costs more than it saves.
    static let smallestShare = 1 << 14

    /// Calls `body` with ranges that together cover `0 ..< rows` once each, on up to `threads` threads, and returns
    /// when all are done.
    static func forEach(rows: Int, rowSize: Int, threads: Int, _ body: (Range<Int>) -> Void) {
        inParallel(rows, parts: min(threads, rows * max(rowSize, 1) / smallestShare), body)
    }
}

/// The rows of a tensor that are written.
struct RowPointer {
    private let base: UnsafeMutablePointer<Float>
    private let rowSize: Int

    /// - Parameter buffer: of a tensor, whose memory has an address even where it holds nothing.
    init(_ buffer: UnsafeMutableBufferPointer<Float>, rowSize: Int) {
        base = buffer.baseAddress!
        self.rowSize = rowSize
    }

    /// The start of a row.
    subscript(row: Int) -> UnsafeMutablePointer<Float> { base + row * rowSize }
}

/// The same for memory that is only read.
struct ConstantRowPointer<Element> {
    private let base: UnsafePointer<Element>
    private let rowSize: Int

    init(_ buffer: UnsafeBufferPointer<Element>, rowSize: Int) {
        base = buffer.baseAddress!
        self.rowSize = rowSize
    }

    subscript(row: Int) -> UnsafePointer<Element> { base + row * rowSize }
}
