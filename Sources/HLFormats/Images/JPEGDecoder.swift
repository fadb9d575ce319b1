#if HL_JPEG
    import CJPEG
    import CKernels
    import HLTensor

    /// A JPEG whose header has been read.
    final class JPEGDecoder {
        /// In pixels, at most ``Image/maximumSide``.
        let width: Int
        let height: Int
        private let decoder: OpaquePointer
        private let name: String

        /// - Parameter bytes: must outlive the decoder.
        init(_ bytes: UnsafeRawBufferPointer, name: String) throws {
            guard let decoder = hl_jpeg_new() else { throw Memory.failure(for: "a JPEG decoder") }
            self.decoder = decoder
            self.name = name
            let source = bytes.bindMemory(to: UInt8.self)
            var width: Int32 = 0
            var height: Int32 = 0
            let status = hl_jpeg_open(decoder, source.baseAddress, source.count, &width, &height)
            self.width = Int(width)
            self.height = Int(height)
            try check(status)
            try Image.checkSize(width: self.width, height: self.height, name: name)
        }

        deinit { hl_jpeg_free(decoder) }

        /// - Returns: width and height at so many eighths.
        func scale(to eighths: Int) throws -> (width: Int, height: Int) {
            var width: Int32 = 0
            var height: Int32 = 0
            try check(hl_jpeg_scale(decoder, Int32(eighths), &width, &height))
            return (Int(width), Int(height))
        }

        /// Decodes a region of what the scale gives, once: calls `body` with its rows, a band of at most `count` at a time,
        /// RGBX, `stride` bytes apart.
        func read(
            _ region: Image.Region, rowsAtATime count: Int,
            _ body: (_ pixels: UnsafePointer<UInt8>, _ stride: Int, _ rows: Range<Int>) -> Void
        ) throws {
            var columns: Int32 = 0
            var margin: Int32 = 0
            try check(
                hl_jpeg_start(
                    decoder, Int32(region.left), Int32(region.top), Int32(region.width), &columns, &margin))
            let stride = 4 * Int(columns)
            try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: stride * count) { band in
                guard let pixels = band.baseAddress else { return }
                let end = region.top + region.height
                for top in Swift.stride(from: region.top, to: end, by: count) {
                    let rows = top..<min(top + count, end)
                    try check(hl_jpeg_read(decoder, Int32(rows.count), pixels))
                    body(pixels + 4 * Int(margin), stride, rows)
                }
            }
            try check(hl_jpeg_end(decoder))
        }

        func read(_ region: Image.Region, intoPlanes planes: UnsafeMutableBufferPointer<UInt8>) throws {
            guard let target = planes.baseAddress else { return }
            let plane = region.width * region.height
            try read(region, rowsAtATime: Resampling.band) { pixels, stride, rows in
                for row in rows {
                    hl_separate_planes(
                        pixels + (row - rows.lowerBound) * stride, region.width, 0,
                        target + (row - region.top) * region.width, plane)
                }
            }
        }

        private func check(_ status: hl_jpeg_status) throws {
            if status == HL_JPEG_NO_MEMORY { throw Memory.failure(for: name) }
            if status == HL_JPEG_TRUNCATED {
                throw Failure(.data, "\(name) is a truncated JPEG file", "fetch or export it again")
            }
            if status != HL_JPEG_OK {
                throw Failure(
                    .data, "\(name) is a damaged JPEG file (libjpeg: \(String(cString: hl_jpeg_message(decoder))))",
                    "fetch or export it again")
            }
        }
    }
#endif
