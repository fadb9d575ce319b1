import HLFormats

/// A colour, each part 0 … 255.
package struct Ink: Sendable {
    package let red, green, blue: Double

    package init(_ red: Double, _ green: Double, _ blue: Double) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    package static let black = Ink(0, 0, 0)
}

/// Smooth lines, areas and letters on white. Positions are in pixels from the top left corner; what falls outside is left
/// out.
struct Drawing {
    let width: Int
    let height: Int
    /// [3, H, W], 0 … 255.
    private var planes: [Double]

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        planes = Array(repeating: 255, count: 3 * width * height)
    }

    var image: Image {
        Image(width: width, height: height) { pixels in
            for (i, value) in planes.enumerated() { pixels[i] = UInt8(min(max(value.rounded(), 0), 255)) }
        }
    }

    /// A rectangle with sides along the axes; pixels that it covers in part take so much of its colour.
    mutating func fill(x: ClosedRange<Double>, y: ClosedRange<Double>, _ ink: Ink) {
        for row in rows(y) {
            let tall = min(y.upperBound, Double(row + 1)) - max(y.lowerBound, Double(row))
            for column in columns(x) {
                let wide = min(x.upperBound, Double(column + 1)) - max(x.lowerBound, Double(column))
                blend(column, row, ink, max(0, tall) * max(0, wide))
            }
        }
    }

    typealias Segment = (x1: Double, y1: Double, x2: Double, y2: Double)

    /// Lines with round ends; where they cross or meet nothing is drawn twice.
    mutating func stroke(_ segments: [Segment], width thickness: Double, _ ink: Ink) {
        let reach = thickness / 2 + 1
        guard let left = segments.map({ min($0.x1, $0.x2) }).min(),
            let right = segments.map({ max($0.x1, $0.x2) }).max(),
            let top = segments.map({ min($0.y1, $0.y2) }).min(), let bottom = segments.map({ max($0.y1, $0.y2) }).max()
        else { return }
        for row in rows(top - reach...bottom + reach) {
            for column in columns(left - reach...right + reach) {
                let nearest = segments.map { Self.distance(Double(column) + 0.5, Double(row) + 0.5, $0) }.min() ?? 0
                blend(column, row, ink, min(max(thickness / 2 + 0.5 - nearest, 0), 1))
            }
        }
    }

    /// Where a text's x lies in it.
    enum Alignment: Double { case left = 0, middle = 0.5, right = 1 }

    /// One line of text whose letters have `size` pixels from foot to head; y is the middle of that.
    /// - Parameter upwards: turned to read from bottom to top.
    mutating func write(
        _ text: String, x: Double, y: Double, size: Double, _ ink: Ink = .black, _ alignment: Alignment = .left,
        upwards: Bool = false
    ) {
        let scale = size / 6
        let start = -Double(BitmapFont.width(of: text) - 1) * scale * alignment.rawValue
        func place(_ inkX: Int, _ inkY: Int) -> (Double, Double) {
            let along = start + Double(inkX) * scale, down = (Double(inkY) - 3) * scale
            return upwards ? (x + down, y - along) : (x + along, y + down)
        }
        for (position, character) in text.enumerated() {
            var dots = Set<[Int]>()
            BitmapFont.forEachInkPixel(of: String(character)) { dots.insert([$0 + position * BitmapFont.advance, $1]) }
            let segments = Self.strokes(dots).map { from, to in
                let (a, b) = (place(from[0], from[1]), place(to[0], to[1]))
                return Segment(a.0, a.1, b.0, b.1)
            }
            if !segments.isEmpty { stroke(segments, width: max(1, scale * 0.85), ink) }
        }
    }

    static func textWidth(_ text: String, size: Double) -> Double { Double(BitmapFont.width(of: text)) * size / 6 }

    /// The dots of a letter joined to their neighbours, to diagonal ones only where there is no way around.
    private static func strokes(_ dots: Set<[Int]>) -> [([Int], [Int])] {
        var result: [([Int], [Int])] = []
        for dot in dots.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let (x, y) = (dot[0], dot[1])
            let right = dots.contains([x + 1, y]), below = dots.contains([x, y + 1]), above = dots.contains([x, y - 1])
            if right { result.append((dot, [x + 1, y])) }
            if below { result.append((dot, [x, y + 1])) }
            if !right && !below && dots.contains([x + 1, y + 1]) { result.append((dot, [x + 1, y + 1])) }
            if !right && !above && dots.contains([x + 1, y - 1]) { result.append((dot, [x + 1, y - 1])) }
            result.append((dot, dot))
        }
        return result
    }

    private static func distance(_ x: Double, _ y: Double, _ s: Segment) -> Double {
        let (dx, dy) = (s.x2 - s.x1, s.y2 - s.y1)
        let squared = dx * dx + dy * dy
        let along = squared > 0 ? min(max(((x - s.x1) * dx + (y - s.y1) * dy) / squared, 0), 1) : 0
        let (ex, ey) = (x - s.x1 - along * dx, y - s.y1 - along * dy)
        return (ex * ex + ey * ey).squareRoot()
    }

    private func rows(_ range: ClosedRange<Double>) -> Range<Int> { Self.pixels(range, height) }
    private func columns(_ range: ClosedRange<Double>) -> Range<Int> { Self.pixels(range, width) }

    private static func pixels(_ range: ClosedRange<Double>, _ limit: Int) -> Range<Int> {
        let first = Int(min(max(range.lowerBound.rounded(.down), 0), Double(limit)))
        return first..<max(first, Int(min(max(range.upperBound.rounded(.up), 0), Double(limit))))
    }

    private mutating func blend(_ column: Int, _ row: Int, _ ink: Ink, _ share: Double) {
        guard share > 0 else { return }
        let plane = width * height, pixel = row * width + column
        planes[pixel] += (ink.red - planes[pixel]) * share
        planes[plane + pixel] += (ink.green - planes[plane + pixel]) * share
        planes[2 * plane + pixel] += (ink.blue - planes[2 * plane + pixel]) * share
    }
}
