import CKernels
import HLTensor

/// One image that is being made of another one while the rows of that come: what its columns and rows are made of, and
/// which way round. Two passes, first along rows, each in fixed point and rounded to 8 bits, as in Pillow.
final class Resampling {
    let columns: ResizeTaps
    let rows: ResizeTaps
    private let isMirrored: Bool
    /// Rows of the source that are used, resized to the target's width: RGBX.
    private let middle: HostBuffer
    private let shiftedColumns: ResizeTaps

    /// - Parameter origin: the first column of the rows that will come.
    init(_ columns: ResizeTaps, _ rows: ResizeTaps, mirrored: Bool = false, columnsFrom origin: Int = 0) {
        self.columns = columns
        self.rows = rows
        isMirrored = mirrored
        middle = HostBuffer(count: 4 * columns.count * rows.span.count)
        shiftedColumns = columns.shifted(by: origin)
    }

    /// Takes rows of the source.
    /// - Parameters:
    ///   - pixels: RGBX, beginning with the first column.
    ///   - stride: bytes from one row to the next.
    ///   - range: which rows these are.
    func take(_ pixels: UnsafePointer<UInt8>, stride: Int, rows range: Range<Int>) {
        let used = range.clamped(to: rows.span)
        guard !used.isEmpty else { return }
        let target = middle.pointer.assumingMemoryBound(to: UInt8.self)
        shiftedColumns.withTaps { taps in
            hl_resize_rows(
                taps, pixels + (used.lowerBound - range.lowerBound) * stride, stride, used.count,
                target + 4 * columns.count * (used.lowerBound - rows.span.lowerBound))
        }
    }

    /// The result, when all rows have come: U8 planes [3, H, W] of `plane` bytes each at `target`.
    func finish(into target: UnsafeMutablePointer<UInt8>) {
        let width = columns.count, source = middle.pointer.assumingMemoryBound(to: UInt8.self)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 4 * width) { sums in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4 * width) { line in
                rows.shifted(by: rows.span.lowerBound).withTaps { taps in
                    hl_resize_columns(
                        taps, source, width, isMirrored ? 1 : 0, sums.baseAddress, line.baseAddress, target,
                        width * taps.count)
                }
            }
        }
        withExtendedLifetime(middle) {}
    }

    /// Rows that are taken at a time: what the first pass reads is still in the nearest cache.
    static let band = 16
}

extension Image {
    /// Calls `body` with the rows of a part of the image, a band of at most `count` at a time, RGBX, `stride` bytes apart.
    func read(
        _ region: Region, rowsAtATime count: Int,
        _ body: (_ pixels: UnsafePointer<UInt8>, _ stride: Int, _ rows: Range<Int>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4 * region.width * count) { band in
            withPlanes { planes in
                guard let source = planes.baseAddress, let pixels = band.baseAddress else { return }
                let end = region.top + region.height
                for top in Swift.stride(from: region.top, to: end, by: count) {
                    let rows = top..<min(top + count, end)
                    hl_interleave_planes(
                        source + top * width + region.left, width * height, width, region.width, rows.count, pixels)
                    body(pixels, 4 * region.width, rows)
                }
            }
        }
    }
}

extension Image.Region {
    /// What covers some ranges of columns and rows; nil for none.
    init?(columns: [Range<Int>], rows: [Range<Int>]) {
        guard let left = columns.map(\.lowerBound).min(), let right = columns.map(\.upperBound).max(),
            let top = rows.map(\.lowerBound).min(), let bottom = rows.map(\.upperBound).max()
        else { return nil }
        self.init(left: left, top: top, width: right - left, height: bottom - top)
    }
}
