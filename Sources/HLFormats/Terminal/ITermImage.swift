/// iTerm2's inline images: a file in base64 between `OSC 1337 ; File=` and BEL (https://iterm2.com/documentation-images.html).
enum ITermImage {
    /// - Parameter file: the bytes of an image file.
    static func encode(_ file: [UInt8]) -> [UInt8] {
        Array("\u{1B}]1337;File=inline=1;size=\(file.count);preserveAspectRatio=1:".utf8) + Base64.encode(file)
            + "\u{7}\n".utf8
    }
}
