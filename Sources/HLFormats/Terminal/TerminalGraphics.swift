/// How a terminal is given a picture.
package enum TerminalGraphics: String, CaseIterable, Sendable {
    /// The graphics protocol of kitty, which Ghostty and Konsole know too.
    case kitty
    /// The inline images of iTerm2, which WezTerm and mintty know too.
    case iterm
    /// DEC's sixels: xterm -ti vt340, foot, mlterm, Windows Terminal, tmux.
    case sixel
    /// Two pixels in a character: every terminal with colours.
    case blocks

    /// What a terminal has room for.
    package struct Room: Sendable {
        package let columns: Int
        /// Pixels that the columns are wide; nil where the terminal does not say.
        package let pixels: Int?
        /// Whether all 2^24 colours can be had, else 256.
        package let hasAllColours: Bool

        package init(columns: Int, pixels: Int? = nil, hasAllColours: Bool = true) {
            self.columns = columns
            self.pixels = pixels
            self.hasAllColours = hasAllColours
        }

        /// Where nobody says how wide a character is, it is taken for 8 pixels, so that no picture is cut off.
        var width: Int { max(1, min(Image.maximumSide, pixels ?? 8 * columns)) }
    }

    /// The bytes that show a picture, no wider than there is room, and leave the cursor below it.
    /// - Throws: as `Image.resized` and `Image.pngBytes`.
    package func bytes(of image: Image, in room: Room) throws -> [UInt8] {
        switch self {
        case .kitty: KittyGraphics.encode(try image.narrowed(to: room.width).pngBytes())
        case .iterm: ITermImage.encode(try image.narrowed(to: room.width).pngBytes())
        case .sixel: Sixel.encode(try image.narrowed(to: room.width))
        case .blocks: HalfBlocks.encode(try image.narrowed(to: max(1, room.columns)), hasAllColours: room.hasAllColours)
        }
    }
}

extension Image {
    /// The image, made smaller where it is wider than that.
    fileprivate func narrowed(to width: Int) throws -> Image {
        if self.width <= width { return self }
        return try resized(width: width, height: max(1, (height * width + self.width / 2) / self.width))
    }

    /// Pixel by pixel, row by row: R, G, B.
    var interleaved: [UInt8] {
        withPlanes { planes in
            let size = width * height
            return [UInt8](unsafeUninitializedCapacity: 3 * size) { target, count in
                for pixel in 0..<size {
                    for channel in 0..<3 { target[3 * pixel + channel] = planes[channel * size + pixel] }
                }
                count = 3 * size
            }
        }
    }
}
