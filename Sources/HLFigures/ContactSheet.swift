import HLFormats
import HLTensor

/// A grid of images with captions, black on white.
///
/// All cells have the size of the largest image; a smaller one stands in the middle of its cell. Rows may differ in
/// length.
package struct ContactSheet: Sendable {
    package var rows: [[Image]]
    /// Beside each row and above each column; shorter lists leave the rest without.
    package var rowCaptions: [String] = []
    package var columnCaptions: [String] = []
    /// Pixels around and between the cells.
    package var margin = 4
    /// By how much images are enlarged, as whole pixels (nearest neighbour).
    package var zoom = 1
    /// By how much the 5 x 9 letters are enlarged.
    package var captionScale = 2

    private static let longestRowCaption = 32

    package init(rows: [[Image]]) { self.rows = rows }

    /// The zoom that brings images of `side` pixels to at least 96.
    package static func zoom(forSide side: Int) -> Int { side > 0 ? max(1, (96 + side - 1) / side) : 1 }

    /// Draws the sheet.
    ///
    /// - Throws: `Failure` `.data` when there are no images, `.usage` when the sheet would be too large or a setting is
    ///   out of range.
    package func rendered() throws -> Image {
        // The bounds also keep the layout's products far from overflow.
        guard (1...256).contains(zoom), (1...16).contains(captionScale), (0...1024).contains(margin) else {
            throw Failure(
                .usage, "cannot draw with zoom \(zoom), caption scale \(captionScale) and margin \(margin)",
                "choose a zoom of 1 to 256, a scale of 1 to 16 and a margin of 0 to 1024")
        }
        let images = rows.joined()
        guard let cellWidth = images.map(\.width).max(), let cellHeight = images.map(\.height).max() else {
            throw Failure(.data, "there are no images to show", "give a stream with images")
        }
        let layout = Layout(self, cellWidth: cellWidth, cellHeight: cellHeight)
        try Self.checkSize(width: layout.width, height: layout.height)
        return Image(width: layout.width, height: layout.height) { pixels in
            pixels.update(repeating: 255)
            let canvas = Canvas(pixels: pixels, width: layout.width, height: layout.height)
            for (column, lines) in layout.columnLines.enumerated() {
                // Short captions stand on the images, not at the sheet's edge.
                let top = margin + (layout.lineCount - lines.count) * layout.lineHeight
                for (line, text) in lines.enumerated() {
                    let indent = (layout.cellWidth - layout.textWidth(text)) / 2
                    canvas.write(
                        text, x: layout.x(column) + indent, y: top + line * layout.lineHeight, scale: captionScale)
                }
            }
            for (row, images) in rows.enumerated() {
                if row < layout.rowLabels.count {
                    let drop = (layout.cellHeight - BitmapFont.glyphHeight * captionScale) / 2
                    canvas.write(layout.rowLabels[row], x: margin, y: layout.y(row) + drop, scale: captionScale)
                }
                for (column, image) in images.enumerated() {
                    canvas.draw(
                        image, x: layout.x(column) + (cellWidth - image.width) * zoom / 2,
                        y: layout.y(row) + (cellHeight - image.height) * zoom / 2, zoom: zoom)
                }
            }
        }
    }

    /// For who makes images one after another: refuses what can be no sheet before they are all made.
    /// - Parameters:
    ///   - rows: how many there will be at least, of `columns` images of `width` x `height` pixels.
    ///   - zoom: nil takes that of ``zoom(forSide:)``.
    /// - Throws: `Failure` `.usage` when the sheet would be too large, captions aside.
    package static func check(rows: Int, columns: Int, width: Int, height: Int, zoom: Int?) throws {
        let zoom = zoom ?? Self.zoom(forSide: max(width, height))
        try checkSize(width: columns * width * zoom, height: rows * height * zoom, " or more")
    }

    private static func checkSize(width: Int, height: Int, _ remark: String = "") throws {
        guard width <= Image.maximumSide, height <= Image.maximumSide else {
            throw Failure(
                .usage, "the contact sheet would have \(width) x \(height) pixels\(remark)",
                "show fewer or smaller images")
        }
    }

    /// Where things stand, in pixels.
    private struct Layout {
        let sheet: ContactSheet
        let cellWidth: Int
        let cellHeight: Int
        let rowLabels: [String]
        let columnLines: [[String]]
        let gutter: Int
        let lineCount: Int
        let lineHeight: Int
        let columns: Int

        init(_ sheet: ContactSheet, cellWidth: Int, cellHeight: Int) {
            self.sheet = sheet
            self.cellWidth = cellWidth * sheet.zoom
            self.cellHeight = cellHeight * sheet.zoom
            columns = sheet.rows.map(\.count).max() ?? 0
            let letters = max(1, self.cellWidth / (BitmapFont.advance * sheet.captionScale))
            rowLabels = sheet.rowCaptions.prefix(sheet.rows.count).map {
                $0.count > longestRowCaption ? "\($0.prefix(longestRowCaption - 2)).." : $0
            }
            columnLines = sheet.columnCaptions.prefix(columns).map { wrapped($0, to: letters) }
            lineCount = columnLines.map(\.count).max() ?? 0
            lineHeight = BitmapFont.lineHeight * sheet.captionScale
            let widest = rowLabels.map { BitmapFont.width(of: $0) * sheet.captionScale }.max() ?? 0
            gutter = widest > 0 ? widest + sheet.margin : 0
        }

        var width: Int { x(columns) }
        var height: Int { y(sheet.rows.count) }

        func x(_ column: Int) -> Int { sheet.margin + gutter + column * (cellWidth + sheet.margin) }

        func y(_ row: Int) -> Int {
            let captions = lineCount > 0 ? lineCount * lineHeight + sheet.margin : 0
            return sheet.margin + captions + row * (cellHeight + sheet.margin)
        }

        func textWidth(_ text: String) -> Int { BitmapFont.width(of: text) * sheet.captionScale }
    }

    /// The words of `text` in lines of at most `limit` letters; longer words are broken.
    package static func wrapped(_ text: String, to limit: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty && line.count + 1 + word.count <= limit {
                line += " \(word)"
                continue
            }
            if !line.isEmpty { lines.append(line) }
            var rest = word
            while rest.count > limit {
                lines.append(String(rest.prefix(limit)))
                rest = rest.dropFirst(limit)
            }
            line = String(rest)
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }
}

/// The planes of the sheet while it is drawn. What falls outside is left out.
private struct Canvas {
    let pixels: UnsafeMutableBufferPointer<UInt8>
    let width: Int
    let height: Int

    func draw(_ image: Image, x: Int, y: Int, zoom: Int) {
        image.withPlanes { source in
            for plane in 0..<3 {
                for row in 0..<(image.height * zoom) where (0..<height).contains(y + row) {
                    let from = (plane * image.height + row / zoom) * image.width
                    let to = (plane * height + y + row) * width
                    for column in 0..<(image.width * zoom) where (0..<width).contains(x + column) {
                        pixels[to + x + column] = source[from + column / zoom]
                    }
                }
            }
        }
    }

    func write(_ text: String, x: Int, y: Int, scale: Int) {
        BitmapFont.forEachInkPixel(of: text) { inkX, inkY in
            for row in (y + inkY * scale)..<(y + (inkY + 1) * scale) where (0..<height).contains(row) {
                for column in (x + inkX * scale)..<(x + (inkX + 1) * scale) where (0..<width).contains(column) {
                    for plane in 0..<3 { pixels[(plane * height + row) * width + column] = 0 }
                }
            }
        }
    }
}
