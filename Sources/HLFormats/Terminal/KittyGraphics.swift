/// kitty's graphics protocol: a PNG in base64, in pieces of 4096 letters between `ESC _ G` and `ESC \`
/// (https://sw.kovidgoyal.net/kitty/graphics-protocol/).
enum KittyGraphics {
    private static let piece = 4096

    /// - Parameter png: the bytes of the file.
    static func encode(_ png: [UInt8]) -> [UInt8] {
        let letters = Base64.encode(png)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(letters.count + letters.count / piece * 16 + 64)
        for start in stride(from: 0, to: letters.count, by: piece) {
            let end = min(start + piece, letters.count)
            // Transmit and display (a=T) a PNG (f=100), and answer nothing (q=2); m=1 says that more comes.
            let keys = (start == 0 ? "a=T,f=100,q=2," : "") + "m=\(end < letters.count ? 1 : 0)"
            bytes += "\u{1B}_G\(keys);".utf8
            bytes += letters[start..<end]
            bytes += "\u{1B}\\".utf8
        }
        return bytes + "\n".utf8
    }
}
