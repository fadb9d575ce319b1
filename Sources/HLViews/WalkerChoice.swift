/// A walker as it is named: a file, and the chunks that it moves where they are given.
package struct WalkerChoice: Sendable, Equatable {
    package let path: String
    package let chunks: ChunkSet?

    /// Reads `FILE` or `FILE:CHUNKS`. A file of the whole name is that file, and what is behind the last colon counts
    /// only where it reads as chunks.
    package init(parsing text: String, exists: (String) -> Bool) {
        if !exists(text), let colon = text.lastIndex(of: ":"),
            let chunks = try? ChunkSet(parsing: String(text[text.index(after: colon)...]))
        {
            path = String(text[..<colon])
            self.chunks = chunks
        } else {
            path = text
            chunks = nil
        }
    }
}
