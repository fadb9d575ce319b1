import Foundation
import HLFormats
import HLTensor
import Testing

/// Pictures for terminals, read back as a terminal would.
struct TerminalGraphicsTests {
    /// A gradient with noise: more than 256 colours from a certain size on.
    private func picture(_ width: Int, _ height: Int) -> Image {
        Image(width: width, height: height) { planes in
            for y in 0..<height {
                for x in 0..<width {
                    let place = y * width + x, size = width * height
                    planes[place] = UInt8(255 * x / max(1, width - 1))
                    planes[size + place] = UInt8(255 * y / max(1, height - 1))
                    planes[2 * size + place] = UInt8((x * 7919 + y * 104_729) % 256)
                }
            }
        }
    }

    private func pixels(_ image: Image) -> [UInt8] { image.pixels.withUnsafeBytes { [UInt8]($0) } }

    private func text(_ graphics: TerminalGraphics, _ image: Image, _ room: TerminalGraphics.Room) throws -> [UInt8] {
        try graphics.bytes(of: image, in: room)
    }

    private let wide = TerminalGraphics.Room(columns: 200, pixels: 4000)

    // MARK: Files in base64

    /// Pieces of at most 4096 letters, all but the last of a multiple of four, which together are a PNG of the same pixels.
    @Test(arguments: [(1, 1), (5, 3), (64, 48), (200, 150)]) func kitty(width: Int, height: Int) throws {
        let image = picture(width, height)
        var rest = String(decoding: try text(.kitty, image, wide), as: UTF8.self)[...], letters = "", pieces = 0
        while let part = rest.prefixMatch(of: /\x1B_G([^;\x1B]*);([A-Za-z0-9+\/=]*)\x1B\\/) {
            let keys = Set(part.1.split(separator: ",").map(String.init))
            #expect(keys.isSuperset(of: pieces == 0 ? ["a=T", "f=100", "q=2"] : []) && part.2.count <= 4096)
            rest = rest[part.range.upperBound...]
            letters += part.2
            pieces += 1
            let hasMore = keys.contains("m=1")
            #expect(keys.contains("m=0") != hasMore && hasMore == (rest != "\n") && (!hasMore || part.2.count % 4 == 0))
        }
        #expect(rest == "\n" && pieces == (letters.count + 4095) / 4096)
        let png = [UInt8](try #require(Data(base64Encoded: letters)))
        let decoded = try png.withUnsafeBytes { try Image(png: $0, name: "kitty") }
        #expect(pixels(decoded) == pixels(image))
    }

    @Test func iTerm() throws {
        let image = picture(40, 30), bytes = try text(.iterm, image, wide)
        let match = try #require(
            String(decoding: bytes, as: UTF8.self)
                .wholeMatch(of: /\x1B\]1337;File=inline=1;size=(\d+);preserveAspectRatio=1:([^\x07]*)\x07\n/))
        let file = [UInt8](try #require(Data(base64Encoded: String(match.2))))
        #expect(Int(match.1) == file.count)
        let decoded = try file.withUnsafeBytes { try Image(png: $0, name: "iTerm") }
        #expect(pixels(decoded) == pixels(image))
    }

    @Test func base64() {
        for count in 0...100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 197 + count) }
            #expect(Base64.encode(bytes) == Array(Data(bytes).base64EncodedString().utf8))
        }
    }

    // MARK: Sixels

    /// With no more than 256 colours all pixels come back, to the hundredth that sixels know of each channel.
    @Test(arguments: [(1, 1), (6, 6), (7, 13), (16, 16)]) func sixelsOfFewColours(width: Int, height: Int) throws {
        let image = picture(width, height)
        let decoded = try SixelDecoder(try text(.sixel, image, wide)).image
        #expect(decoded.width == width && decoded.height == height)
        for (a, b) in zip(pixels(decoded), pixels(image)) { #expect(abs(Int(a) - Int(b)) <= 2) }
    }

    /// With more, no pixel is painted twice or left out, and all are near.
    @Test func sixelsOfManyColours() throws {
        let image = picture(120, 91)
        let decoder = try SixelDecoder(try text(.sixel, image, wide))
        #expect(decoder.colours == 256 && decoder.paintedOnce)
        let (found, wanted) = (pixels(decoder.image), pixels(image))
        let square = zip(found, wanted).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) } / Double(wanted.count)
        // 256 boxes of a full cube are some 40 levels wide: 40 / √12 = 11.5.
        #expect(square.squareRoot() < 14, "\(square.squareRoot())")
    }

    // MARK: Half blocks

    @Test func halfBlocks() throws {
        let image = picture(9, 5), text = String(decoding: try text(.blocks, image, wide), as: UTF8.self)
        let source = pixels(image)
        func colour(_ x: Int, _ y: Int) -> String {
            (0..<3).map { "\(source[$0 * 45 + y * 9 + x])" }.joined(separator: ";")
        }
        let rows = text.split(separator: "\n")
        #expect(rows.count == 3)
        for (row, line) in rows.enumerated() {
            var expected = ""
            for x in 0..<9 {
                expected +=
                    "\u{1B}[38;2;\(colour(x, 2 * row))" + (row < 2 ? ";48;2;\(colour(x, 2 * row + 1))" : "")
                    + "m\u{2580}"
            }
            #expect(line == expected + "\u{1B}[0m")
        }
        // A run of one colour says it once.
        let grey = try self.text(.blocks, Image(width: 4, height: 2, grey: 128), wide)
        #expect(
            String(decoding: grey, as: UTF8.self)
                == "\u{1B}[38;2;128;128;128;48;2;128;128;128m\u{2580}\u{2580}\u{2580}\u{2580}\u{1B}[0m\n")
    }

    /// Of the 256 colours, each pixel has the one that is nearest of the cube and the greys.
    @Test func halfBlocksOf256Colours() throws {
        let levels = [0, 95, 135, 175, 215, 255]
        func colour(_ number: Int) -> [Int] {
            if number >= 232 { return [Int](repeating: 8 + 10 * (number - 232), count: 3) }
            return [(number - 16) / 36, (number - 16) / 6 % 6, (number - 16) % 6].map { levels[$0] }
        }
        let image = picture(30, 20), source = pixels(image),
            room = TerminalGraphics.Room(columns: 80, hasAllColours: false)
        let text = String(decoding: try text(.blocks, image, room), as: UTF8.self)
        for (row, line) in text.split(separator: "\n").enumerated() {
            // A run of one colour says it once.
            var numbers: [[Int]] = []
            for match in line.matches(of: /(?:\x1B\[38;5;(\d+);48;5;(\d+)m)?\u{2580}/) {
                let stated = [match.1, match.2].compactMap { $0.flatMap { Int($0) } }
                numbers.append(stated.isEmpty ? numbers.last ?? [] : stated)
            }
            #expect(numbers.count == 30)
            for (x, pair) in numbers.enumerated() {
                for (half, number) in pair.enumerated() {
                    let wanted = (0..<3).map { Int(source[$0 * 600 + (2 * row + half) * 30 + x]) }
                    func distance(_ number: Int) -> Int {
                        zip(colour(number), wanted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                    }
                    #expect(distance(number) == (16..<256).map(distance).min(), "\(wanted)")
                }
            }
        }
    }

    // MARK: Room

    /// No picture is wider than the terminal, and none is made larger.
    @Test func narrowTerminals() throws {
        let image = picture(400, 100)
        let narrow = TerminalGraphics.Room(columns: 20, pixels: 160)
        let sixel = try SixelDecoder(try text(.sixel, image, narrow)).image
        #expect(sixel.width == 160 && sixel.height == 40)
        let unknown = try SixelDecoder(try text(.sixel, image, .init(columns: 20))).image
        #expect(unknown.width == 160)
        let blocks = String(decoding: try text(.blocks, image, narrow), as: UTF8.self).split(separator: "\n")
        #expect(blocks.count == 3 && blocks[0].filter { $0 == "\u{2580}" }.count == 20)
    }
}

/// What a terminal makes of sixels.
private struct SixelDecoder {
    let image: Image
    /// Colours that are defined.
    let colours: Int
    /// Whether every pixel has been painted, and none twice.
    let paintedOnce: Bool

    struct Damage: Error { let what: String }

    init(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let match = text.wholeMatch(of: /\x1BP[\d;]*q"1;1;(\d+);(\d+)([^\x1B]*)\x1B\\\n/),
            let width = Int(match.1),
            let height = Int(match.2)
        else { throw Damage(what: "frame") }
        var palette: [Int: [UInt8]] = [:], counts = [Int](repeating: 0, count: width * height)
        var planes = [UInt8](repeating: 0, count: 3 * width * height)
        var body = Array(match.3.utf8)[...], x = 0, top = 0, colour = 0
        func number() throws -> Int {
            let digits = body.prefix { (48...57).contains($0) }
            body = body.dropFirst(digits.count)
            guard let value = Int(String(decoding: digits, as: UTF8.self)) else { throw Damage(what: "number") }
            return value
        }
        func paint(_ letter: UInt8, times: Int) throws {
            guard (63...126).contains(letter), let rgb = palette[colour] else { throw Damage(what: "letter or colour") }
            for _ in 0..<times {
                for bit in 0..<6 where (letter - 63) >> UInt8(bit) & 1 == 1 {
                    guard x < width, top + bit < height else { throw Damage(what: "outside") }
                    let place = (top + bit) * width + x
                    counts[place] += 1
                    for channel in 0..<3 { planes[channel * width * height + place] = rgb[channel] }
                }
                x += 1
            }
        }
        while let letter = body.first {
            body = body.dropFirst()
            switch letter {
            case UInt8(ascii: "#"):
                colour = try number()
                guard body.first == UInt8(ascii: ";") else { continue }
                var values: [Int] = []
                while body.first == UInt8(ascii: ";") {
                    body = body.dropFirst()
                    values.append(try number())
                }
                guard values.count == 4, values[0] == 2, values.dropFirst().allSatisfy({ (0...100).contains($0) })
                else {
                    throw Damage(what: "colour")
                }
                palette[colour] = values.dropFirst().map { UInt8(($0 * 255 + 50) / 100) }
            case UInt8(ascii: "!"):
                let times = try number()
                guard let repeated = body.first else { throw Damage(what: "run") }
                body = body.dropFirst()
                try paint(repeated, times: times)
            case UInt8(ascii: "$"): x = 0
            case UInt8(ascii: "-"):
                x = 0
                top += 6
            default: try paint(letter, times: 1)
            }
        }
        colours = palette.count
        paintedOnce = counts.allSatisfy { $0 == 1 }
        let result = planes
        image = Image(width: width, height: height) { _ = $0.update(fromContentsOf: result) }
    }
}
