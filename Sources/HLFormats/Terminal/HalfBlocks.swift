/// A picture of characters, each an upper half block: the upper pixel is the colour of the letter, the lower one that of its
/// ground (SGR 38 and 48 of ECMA-48).
enum HalfBlocks {
    /// - Parameter hasAllColours: else the 256 of xterm's palette.
    static func encode(_ image: Image, hasAllColours: Bool) -> [UInt8] {
        let pixels = image.interleaved
        func code(_ column: Int, _ row: Int, _ kind: Int) -> String {
            let start = 3 * (row * image.width + column)
            let (r, g, b) = (Int(pixels[start]), Int(pixels[start + 1]), Int(pixels[start + 2]))
            return hasAllColours ? "\(kind);2;\(r);\(g);\(b)" : "\(kind);5;\(nearest(r, g, b))"
        }
        var bytes: [UInt8] = []
        for row in stride(from: 0, to: image.height, by: 2) {
            var last = ""
            for column in 0..<image.width {
                // Below the last row is the terminal's own ground.
                let colours = code(column, row, 38) + (row + 1 < image.height ? ";" + code(column, row + 1, 48) : "")
                if colours != last { bytes += "\u{1B}[\(colours)m".utf8 }
                last = colours
                bytes += "\u{2580}".utf8
            }
            bytes += "\u{1B}[0m\n".utf8
        }
        return bytes
    }

    /// Levels of the cube in xterm's palette.
    private static let levels = [0, 95, 135, 175, 215, 255]

    /// The colour of the palette's cube (16 …) or its greys (232 …, 8 + 10 i) that is the least squares away.
    static func nearest(_ r: Int, _ g: Int, _ b: Int) -> Int {
        func level(_ x: Int) -> Int { levels.indices.min { abs(levels[$0] - x) < abs(levels[$1] - x) } ?? 0 }
        func distance(_ x: Int, _ y: Int, _ z: Int) -> Int {
            (x - r) * (x - r) + (y - g) * (y - g) + (z - b) * (z - b)
        }
        let (i, j, k) = (level(r), level(g), level(b))
        let grey = max(0, min(23, ((r + g + b) / 3 - 3) / 10)), shade = 8 + 10 * grey
        let isGrey = distance(shade, shade, shade) < distance(levels[i], levels[j], levels[k])
        return isGrey ? 232 + grey : 16 + 36 * i + 6 * j + k
    }
}
