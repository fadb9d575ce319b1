import HLFormats
import HLTensor

/// Chunks that share one draw of noise, and the distribution of that noise.
package struct PerturbationGroup: Sendable, Hashable {
    package let chunks: ChunkSet
    package let noise: TruncatedNormal

    package init(chunks: ChunkSet, noise: TruncatedNormal) {
        self.chunks = chunks
        self.noise = noise
    }

    /// A group for every chunk.
    package static func each(of chunks: ChunkSet, noise: TruncatedNormal) -> [PerturbationGroup] {
        chunks.indices.map { PerturbationGroup(chunks: ChunkSet($0), noise: noise) }
    }

    /// Reads `0-3:std=0.3,trunc=1,mean=0`; what is left out comes from `defaults`.
    /// - Throws: `Failure` (usage).
    package init(parsing text: String, defaults: TruncatedNormal = .standard) throws {
        func refuse(_ reason: String) -> Failure {
            Failure(.usage, "group '\(text)': \(reason)", "write a group as 0-3:std=0.3,trunc=1,mean=0")
        }
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var values: [Substring: Double] = [:]
        if halves.count == 2 {
            for setting in halves[1].split(separator: ",", omittingEmptySubsequences: false) {
                let pair = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard pair.count == 2 else { throw refuse("'\(setting)' is not of the form name=number") }
                guard ["std", "trunc", "mean"].contains(pair[0]) else {
                    throw refuse("'\(pair[0])' is none of std, trunc and mean")
                }
                // Only a truncation can be infinite, which is none.
                guard let value = Double(pair[1]), value.isFinite || pair[0] == "trunc" && value > 0 else {
                    throw refuse("'\(pair[1])' is no finite number")
                }
                guard values.updateValue(value, forKey: pair[0]) == nil else {
                    throw refuse("\(pair[0]) is given twice")
                }
            }
        }
        do {
            self.init(
                chunks: try ChunkSet(parsing: String(halves[0])),
                noise: try TruncatedNormal(
                    mean: values["mean"] ?? defaults.mean,
                    standardDeviation: values["std"] ?? defaults.standardDeviation,
                    truncation: values["trunc"] ?? defaults.truncation))
        } catch let failure as Failure {
            throw Failure(failure.kind, "group '\(text)': \(failure.what)", failure.remedy)
        }
    }

    /// Checks that a latent of `count` chunks has all of them and that no chunk is in two groups.
    /// - Parameter mayShare: whether a chunk may be in several groups, which then have views of their own.
    /// - Throws: `Failure` (usage).
    package static func validate(_ groups: [PerturbationGroup], count: Int, mayShare: Bool = false) throws {
        guard !groups.isEmpty else {
            throw Failure(.usage, "no chunk is perturbed", "choose chunks or groups")
        }
        for group in groups { try group.chunks.validate(count: count) }
        if !mayShare { try validateDisjoint(groups) }
    }

    package static func validateDisjoint(_ groups: [PerturbationGroup]) throws {
        var owner: [Int: Int] = [:]
        for (number, group) in groups.enumerated() {
            for chunk in group.chunks.indices {
                if let other = owner.updateValue(number, forKey: chunk) {
                    throw Failure(
                        .usage, "chunk \(chunk) is in two groups, \(groups[other].chunks) and \(group.chunks)",
                        "give each chunk to one group")
                }
            }
        }
    }

    /// As `init(parsing:)` reads it.
    package var text: String {
        "\(chunks):std=\(noise.standardDeviation.plainText),trunc=\(noise.truncation.plainText)"
            + (noise.mean == 0 ? "" : ",mean=\(noise.mean.plainText)")
    }

    package var json: JSONValue {
        ["chunks": .string(chunks.text), "noise": noise.json]
    }
}

extension PerturbationGroup: CustomStringConvertible {
    package var description: String { text }
}
