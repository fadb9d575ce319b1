import HLTensor

extension GeneratorCatalogue {
    /// An option as the first generator that takes it describes it.
    package static func option(_ name: String) -> GeneratorOption? {
        all.lazy.flatMap(\.options).first { $0.name == name }
    }

    /// The generators that take an option.
    package static func takers(of option: String) -> [any GeneratorArchitecture] {
        all.filter { $0.options.contains { $0.name == option } }
    }

    /// Refuses values that no generator takes.
    /// - Throws: `Failure(.usage)`.
    package static func check(_ given: GeneratorOptionValues) throws {
        if let size = given.size, !RenderingSettings.sides.contains(size) {
            throw Failure(
                .usage, "images cannot have a side of \(size) pixels",
                "give --size from \(RenderingSettings.sides.lowerBound) to \(RenderingSettings.sides.upperBound)")
        }
        for name in given.names { try option(name)?.check(given) }
    }

    /// Refuses options that a generator does not take, or not without weights.
    /// - Throws: `Failure(.usage)`.
    package static func check(
        _ given: GeneratorOptionValues, for architecture: any GeneratorArchitecture, hasWeights: Bool
    ) throws {
        if hasWeights && !architecture.needsWeights {
            let remark = architecture.remark.map { ", \($0)," } ?? ""
            throw Failure(
                .usage, "the generator \(architecture.usage)\(remark) takes no --weights", "leave it out")
        }
        let taken = Set(architecture.options.map(\.name))
        if let other = given.names.first(where: { !taken.contains($0) }) {
            let takers = takers(of: other).map(\.usage).joined(separator: " and ")
            throw Failure(
                .usage, "the generator \(architecture.name) takes no \(other)",
                takers.isEmpty ? "leave it out" : "leave it out, it is for \(takers)")
        }
        if architecture.needsWeights && !hasWeights, let first = given.names.first {
            throw Failure(
                .usage, "\(first) is for rendering, which needs the network's weights",
                "give --weights too, or leave it out")
        }
        try architecture.check(given)
    }
}
