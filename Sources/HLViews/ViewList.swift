import HLTensor

extension ChunkSet {
    /// Views of samples, which are written as chunks are: `0`, `0-2`, `0,2`; or `all`, which is nil.
    /// - Throws: `Failure` (usage) for anything else.
    package static func views(parsing text: String) throws -> [Int]? {
        if text == "all" { return nil }
        guard let chosen = try? ChunkSet(parsing: text) else {
            throw Failure(.usage, "there are no views '\(text)'", "write views as 0, 0-2, 0,2 or all")
        }
        return chosen.indices
    }
}
