/// At most 256 colours for a picture: its own, where it has no more, else those of Heckbert's median cut (1982,
/// https://doi.org/10.1145/965145.801294) on colours of five bits a channel.
enum ColourPalette {
    static let limit = 256

    /// - Parameter pixels: R, G, B of each.
    /// - Returns: the colours, and the number of each pixel's.
    static func reduce(_ pixels: [UInt8]) -> (palette: [[UInt8]], indices: [UInt8]) {
        own(pixels) ?? cut(pixels)
    }

    private static func own(_ pixels: [UInt8]) -> (palette: [[UInt8]], indices: [UInt8])? {
        var numbers: [Int: UInt8] = [:], palette: [[UInt8]] = [], indices: [UInt8] = []
        indices.reserveCapacity(pixels.count / 3)
        for start in stride(from: 0, to: pixels.count, by: 3) {
            let key = Int(pixels[start]) << 16 | Int(pixels[start + 1]) << 8 | Int(pixels[start + 2])
            if let number = numbers[key] {
                indices.append(number)
                continue
            }
            guard palette.count < limit else { return nil }
            numbers[key] = UInt8(palette.count)
            indices.append(UInt8(palette.count))
            palette.append(Array(pixels[start..<start + 3]))
        }
        return (palette, indices)
    }

    /// Pixels of one cell of the cube of 32 · 32 · 32.
    private struct Cell {
        let key: Int
        var count = 0
        var sums = [0, 0, 0]

        /// Where it is along a channel, of 32.
        func place(_ channel: Int) -> Int { key >> (10 - 5 * channel) & 31 }
    }

    private struct Box {
        var cells: ArraySlice<Cell>
        let count: Int

        init(_ cells: ArraySlice<Cell>) {
            self.cells = cells
            count = cells.reduce(0) { $0 + $1.count }
        }

        /// The channel along which it is longest, and how long it is.
        var extent: (channel: Int, length: Int) {
            let lengths = (0..<3).map { channel in
                let places = cells.map { $0.place(channel) }
                return (places.max() ?? 0) - (places.min() ?? 0)
            }
            let length = lengths.max() ?? 0
            return (lengths.firstIndex(of: length) ?? 0, length)
        }

        /// Two boxes of about as many pixels each.
        func halves(along channel: Int) -> (Box, Box) {
            let sorted = cells.sorted { ($0.place(channel), $0.key) < ($1.place(channel), $1.key) }
            var seen = 0
            let middle = sorted.firstIndex { cell in
                seen += cell.count
                return 2 * seen >= count
            }
            let end = max(1, min(sorted.count - 1, (middle ?? 0) + 1))
            return (Box(sorted[..<end]), Box(ArraySlice(Array(sorted[end...]))))
        }

        var colour: [UInt8] {
            (0..<3).map { channel in
                UInt8((cells.reduce(0) { $0 + $1.sums[channel] } + count / 2) / max(1, count))
            }
        }
    }

    private static func cut(_ pixels: [UInt8]) -> (palette: [[UInt8]], indices: [UInt8]) {
        func key(_ start: Int) -> Int {
            Int(pixels[start] >> 3) << 10 | Int(pixels[start + 1] >> 3) << 5 | Int(pixels[start + 2] >> 3)
        }
        var cells = (0..<32_768).map { Cell(key: $0) }
        for start in stride(from: 0, to: pixels.count, by: 3) {
            let cell = key(start)
            cells[cell].count += 1
            for channel in 0..<3 { cells[cell].sums[channel] += Int(pixels[start + channel]) }
        }
        var boxes = [Box(cells.filter { $0.count > 0 }[...])]
        // The one that holds the most pixels times how long it is, is divided, until all are single cells.
        var sizes = [boxes[0].extent.length * boxes[0].count]
        while boxes.count < limit, let most = sizes.indices.max(by: { sizes[$0] < sizes[$1] }), sizes[most] > 0 {
            let (a, b) = boxes[most].halves(along: boxes[most].extent.channel)
            boxes[most] = a
            boxes.append(b)
            sizes[most] = a.extent.length * a.count
            sizes.append(b.extent.length * b.count)
        }
        var numbers = [UInt8](repeating: 0, count: 32_768)
        for (number, box) in boxes.enumerated() { for cell in box.cells { numbers[cell.key] = UInt8(number) } }
        let indices = stride(from: 0, to: pixels.count, by: 3).map { numbers[key($0)] }
        return (boxes.map(\.colour), indices)
    }
}
