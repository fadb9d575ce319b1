/// Sixels: bands of six rows, in each of which a character is six pixels of one colour, one colour after the other (DEC
/// EK-VT38T-UG, ch. 14; https://vt100.net/docs/vt3xx-gp/chapter14.html).
enum Sixel {
    static func encode(_ image: Image) -> [UInt8] {
        let (palette, indices) = ColourPalette.reduce(image.interleaved)
        // Pixels are square, and what is not painted stays as it is.
        var bytes = Array("\u{1B}P0;1;0q\"1;1;\(image.width);\(image.height)".utf8)
        for (number, colour) in palette.enumerated() {
            // Of 0 to 100.
            let shares = colour.map { (Int($0) * 100 + 127) / 255 }
            bytes += "#\(number);2;\(shares[0]);\(shares[1]);\(shares[2])".utf8
        }
        for top in stride(from: 0, to: image.height, by: 6) {
            appendBand(indices, top..<min(top + 6, image.height), width: image.width, to: &bytes)
            bytes.append(UInt8(ascii: "-"))
        }
        return bytes + "\u{1B}\\\n".utf8
    }

    private static func appendBand(_ indices: [UInt8], _ rows: Range<Int>, width: Int, to bytes: inout [UInt8]) {
        // By colour: the bits of each column, and the columns from the first to the last that has some.
        var patterns = [[UInt8]?](repeating: nil, count: 256), ends = [Int](repeating: 0, count: 256)
        var used: [Int] = []
        for (bit, row) in rows.enumerated() {
            for column in 0..<width {
                let colour = Int(indices[row * width + column])
                if patterns[colour] == nil {
                    patterns[colour] = [UInt8](repeating: 0, count: width)
                    used.append(colour)
                }
                patterns[colour]?[column] |= 1 << UInt8(bit)
                ends[colour] = max(ends[colour], column + 1)
            }
        }
        for (place, colour) in used.sorted().enumerated() {
            // Back to the beginning of the band.
            if place > 0 { bytes.append(UInt8(ascii: "$")) }
            bytes += "#\(colour)".utf8
            appendRuns((patterns[colour] ?? []).prefix(ends[colour]), to: &bytes)
        }
    }

    /// Runs of more than three are written as `!` and their length.
    private static func appendRuns(_ pattern: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        var start = pattern.startIndex
        while start < pattern.endIndex {
            var end = start + 1
            while end < pattern.endIndex && pattern[end] == pattern[start] { end += 1 }
            let letter = pattern[start] + 63
            if end - start > 3 {
                bytes += "!\(end - start)".utf8
                bytes.append(letter)
            } else {
                bytes += repeatElement(letter, count: end - start)
            }
            start = end
        }
    }
}
