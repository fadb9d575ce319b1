import HLTensor

/// The generators that this version knows. One more costs its own folder and its line here.
package enum GeneratorCatalogue {
    /// The first is the one that is taken when none is named.
    package static let all: [any GeneratorArchitecture] = [
        ShapesArchitecture(), BigBiGANArchitecture(), StyleGAN2Architecture(), ExternalArchitecture(),
    ]
}

// MARK: Looking up

extension GeneratorCatalogue {
    /// The one that is taken when none is named.
    package static var standard: any GeneratorArchitecture { all[0] }

    /// The generator of a header's name, nil for one that this version does not know.
    package static subscript(name: String) -> (any GeneratorArchitecture)? { all.first { $0.name == name } }

    /// The generator that `--generator` names, and what stands behind a colon where it takes that.
    /// - Throws: `Failure(.usage)` for an unknown name.
    package static func named(
        _ text: String
    ) throws -> (architecture: any GeneratorArchitecture, argument: String?) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let found = self[parts[0]], (parts.count > 1) == (found.argument != nil) else {
            throw Failure(
                .usage, "there is no generator '\(text)'", "take one of \(all.map(\.usage).joined(separator: ", "))")
        }
        return (found, parts.count > 1 ? parts[1] : nil)
    }

    static var networks: [any NetworkArchitecture] { all.compactMap { $0 as? any NetworkArchitecture } }

    /// Names of the generators whose images come from files of weights.
    package static var networkNames: [String] { networks.map(\.name) }

    /// What the networks are called, for messages.
    package static var networkTitles: [String] { networks.map(\.title) }

    /// Those of them that map latents, by name and for messages.
    package static var mapping: [(name: String, title: String)] {
        all.compactMap { ($0 as? any MappingArchitecture).map { ($0.name, $0.title) } }
    }
}
