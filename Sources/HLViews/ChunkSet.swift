import HLGenerators
import HLTensor

/// Chosen chunks of a latent, written `0`, `1-5` or `0,2-4`. Counting starts at 0, as in z^0 … z^(n-1).
package struct ChunkSet: Sendable, Hashable {
    /// Ascending, each once, at least one.
    package let indices: [Int]

    /// No generator has more chunks than this; it bounds what a range on the command line may ask for.
    static let limit = LatentShape.maximum

    /// - Throws: `Failure` (usage) for anything but numbers and ascending ranges, and for a chunk named twice.
    ///   Whether the generator has these chunks is for `validate(count:)` to say.
    package init(parsing text: String) throws {
        func refuse(_ reason: String) -> Failure {
            Failure(.usage, "chunks '\(text)': \(reason)", "write chunks as 0, 1-5 or 0,2-4")
        }
        var chosen: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard !part.isEmpty else { throw refuse(text.isEmpty ? "nothing is chosen" : "a part is empty") }
            guard ends.count <= 2, let first = Self.number(ends[0]), let last = Self.number(ends[ends.count - 1]) else {
                throw refuse("'\(part)' is neither a number nor a range")
            }
            guard first <= last else { throw refuse("the range \(part) runs backwards") }
            guard last < Self.limit else { throw refuse("\(last) is beyond the last chunk of any generator") }
            for index in first...last where !chosen.insert(index).inserted {
                throw refuse("chunk \(index) is named twice")
            }
        }
        indices = chosen.sorted()
    }

    /// As `init(parsing:)`, for a latent of `count` chunks.
    package init(parsing text: String, count: Int) throws {
        try self.init(parsing: text)
        try validate(count: count)
    }

    /// All chunks of a latent that has `count` of them (at least one).
    package init(all count: Int) {
        precondition(count > 0)
        indices = Array(0..<count)
    }

    /// One chunk.
    package init(_ index: Int) {
        precondition(index >= 0)
        indices = [index]
    }

    /// ASCII digits only: `Int` would also take a sign.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(text) : nil
    }

    /// - Throws: `Failure` (usage) if the latent, of `count` chunks, lacks one of them.
    package func validate(count: Int) throws {
        guard let last = indices.last, last >= count else { return }
        throw Failure(
            .usage, "chunk \(last) is out of range: the latent has \(count) chunk\(count == 1 ? "" : "s")",
            count == 1 ? "choose chunk 0" : "choose chunks from 0-\(count - 1)")
    }

    /// The shortest way to write the set.
    package var text: String {
        var runs: [ClosedRange<Int>] = []
        for index in indices {
            if let run = runs.last, run.upperBound + 1 == index {
                runs[runs.count - 1] = run.lowerBound...index
            } else {
                runs.append(index...index)
            }
        }
        return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}

extension ChunkSet: CustomStringConvertible {
    package var description: String { text }
}
