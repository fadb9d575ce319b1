import HLFormats
import HLTensor

/// Chunks that share one draw of noise, and the distribution of that noise.
package struct PerturbationGroup: Sendable, Hashable {
    package let chunks: ChunkSet
    /// Where σ is drawn from a range, with the greatest.
    package let noise: TruncatedNormal
    package let variation: NoiseVariation

    package init(chunks: ChunkSet, noise: TruncatedNormal, variation: NoiseVariation = .none) {
        self.chunks = chunks
        self.noise = noise
        self.variation = variation
    }

    /// A group for every chunk.
    package static func each(
        of chunks: ChunkSet, noise: TruncatedNormal, variation: NoiseVariation = .none
    ) -> [PerturbationGroup] {
        chunks.indices.map { PerturbationGroup(chunks: ChunkSet($0), noise: noise, variation: variation) }
    }

    private static let settings = ["std", "trunc", "mean", "prob"]

    /// Reads `0-3:std=0.3,trunc=1,mean=0,prob=0.5`, where `std` may be a range, `0.1..0.5`; what is left out comes from
    /// `defaults` and `probability`.
    /// - Throws: `Failure` (usage).
    package init(parsing text: String, defaults: TruncatedNormal = .standard, probability: Double = 1) throws {
        func refuse(_ reason: String) -> Failure {
            Failure(
                .usage, "group '\(text)': \(reason)",
                "write a group as 0-3:std=0.3,trunc=1,mean=0,prob=0.5, where std may be a range, 0.1..0.5")
        }
        let halves = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var values: [Substring: Double] = [:]
        var lowest: Double?
        if halves.count == 2 {
            for setting in halves[1].split(separator: ",", omittingEmptySubsequences: false) {
                let pair = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard pair.count == 2 else { throw refuse("'\(setting)' is not of the form name=number") }
                guard Self.settings.contains(String(pair[0])) else {
                    throw refuse("'\(pair[0])' is none of std, trunc, mean and prob")
                }
                let value: Double
                if pair[0] == "std", let dots = pair[1].firstRange(of: "..") {
                    guard let low = Double(pair[1][..<dots.lowerBound]), low.isFinite,
                        let high = Double(pair[1][dots.upperBound...]), high.isFinite
                    else { throw refuse("'\(pair[1])' is no range of numbers") }
                    lowest = low
                    value = high
                } else {
                    // Only a truncation can be infinite, which is none.
                    guard let number = Double(pair[1]), number.isFinite || pair[0] == "trunc" && number > 0 else {
                        throw refuse("'\(pair[1])' is no finite number")
                    }
                    value = number
                }
                guard values.updateValue(value, forKey: pair[0]) == nil else {
                    throw refuse("\(pair[0]) is given twice")
                }
            }
        }
        let deviation = values["std"] ?? defaults.standardDeviation
        if let lowest, lowest > deviation { throw refuse("the range of std runs backwards") }
        do {
            self.init(
                chunks: try ChunkSet(parsing: String(halves[0])),
                noise: try TruncatedNormal(
                    mean: values["mean"] ?? defaults.mean, standardDeviation: deviation,
                    truncation: values["trunc"] ?? defaults.truncation),
                variation: try NoiseVariation(
                    probability: values["prob"] ?? probability, deviations: lowest.map { $0...deviation }))
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
        let lowest = variation.deviations.map { "\($0.lowerBound.plainText).." } ?? ""
        return "\(chunks):std=\(lowest)\(noise.standardDeviation.plainText),trunc=\(noise.truncation.plainText)"
            + (noise.mean == 0 ? "" : ",mean=\(noise.mean.plainText)")
            + (variation.probability == 1 ? "" : ",prob=\(variation.probability.plainText)")
    }

    /// A σ that is drawn is the two ends of its range; a probability is said where there is one.
    package var json: JSONValue {
        var noise = noise.json.object ?? JSONObject()
        if let range = variation.deviations {
            noise["std"] = .array([.number(range.lowerBound), .number(range.upperBound)])
        }
        var object: JSONObject = ["chunks": .string(chunks.text), "noise": .object(noise)]
        if variation.probability < 1 { object["prob"] = .number(variation.probability) }
        return .object(object)
    }
}

extension PerturbationGroup: CustomStringConvertible {
    package var description: String { text }
}
