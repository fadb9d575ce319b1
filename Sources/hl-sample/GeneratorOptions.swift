import ArgumentParser
import HLCommand
import HLCompute
import HLGenerators
import HLTensor

/// n chunks of m values, written 6x20.
extension LatentShape: ExpressibleByArgument {
    package init?(argument: String) {
        let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let chunks = parts[0], let dimension = parts[1],
            (1...LatentShape.maximum).contains(chunks),
            (1...LatentShape.maximum).contains(dimension)
        else { return nil }
        self.init(chunks: chunks, dimension: dimension)
    }
}

/// Which generator the latents are for, and how it renders them. What an option does and who takes it is for the
/// catalogue to say.
struct GeneratorOptions: ParsableArguments {
    @Option(
        help: generatorHelp,
        completion: .list(GeneratorCatalogue.all.map { $0.argument == nil ? $0.name : "\($0.name):" }))
    var generator: String?

    @Option(
        help: ArgumentHelp(
            "Weights of a \(GeneratorCatalogue.networkTitles.joined(separator: " or ")) generator: .pth, .pkl or "
                + ".safetensors; not needed for latents z alone. (path)", valueName: "file"), completion: .file())
    var weights: String?

    @Option(help: sizeHelp)
    var size: Int?

    @Flag(help: help("--clean"))
    var clean = false

    @Option(name: .customLong("class"), help: help("--class", "n"))
    var classIndex: Int?

    @Option(help: help("--psi", "x"))
    var psi: Double?

    @Option(help: help("--cutoff", "n"))
    var cutoff: Int?

    @Option(help: help("--noise", "mode"))
    var noise: NoiseMode?

    @Option(help: help("--noise-seed", "n"))
    var noiseSeed: UInt64?

    @Option(help: help("--crop", "n"))
    var crop: Int?

    @Option(help: help("--filter", "name"))
    var filter: ResizeFilter?

    @Option(help: help("--precision", "type"))
    var precision: Precision?

    @Option(help: help("--latent-shape", "nxm"))
    var latentShape: LatentShape?

    /// The options above but `--generator` and `--weights`, for who takes them to read.
    private var given: GeneratorOptionValues {
        var given = GeneratorOptionValues()
        given.size = size
        given.set("--clean", clean ? true : nil)
        given.set("--class", classIndex)
        given.set("--psi", psi)
        given.set("--cutoff", cutoff)
        given.set("--noise", noise)
        given.set("--noise-seed", noiseSeed)
        given.set("--crop", crop)
        given.set("--filter", filter)
        given.set("--precision", precision)
        given.set("--latent-shape", latentShape)
        return given
    }

    /// Whether the generator is named on this command line.
    var isNamed: Bool { generator != nil }

    /// Whether anything but the size is on the command line.
    var isGiven: Bool { isNamed || weights != nil || !given.names.isEmpty }

    func validate() throws {
        let given = given
        try GeneratorCatalogue.check(given)
        if let generator {
            let named = try GeneratorCatalogue.named(generator)
            try GeneratorCatalogue.check(given, for: named.architecture, hasWeights: weights != nil)
        } else if weights == nil {
            try GeneratorCatalogue.check(given, for: GeneratorCatalogue.standard, hasWeights: false)
        }
    }

    /// The generator as the options describe it.
    /// - Throws: `Failure`: usage for an option that it does not take, noInput, data or incompatible for the weights.
    func specification() throws -> GeneratorSpecification {
        if let weights { return try .fromWeights(path: weights, name: generator, options: given) }
        return try .named(generator ?? GeneratorCatalogue.standard.usage, options: given)
    }
}

// MARK: Help

/// What the catalogue says of an option, with those who take it in front.
private func help(_ option: String, _ valueName: String? = nil) -> ArgumentHelp {
    let takers = GeneratorCatalogue.takers(of: option).map(\.name).joined(separator: ", ")
    let text = GeneratorCatalogue.option(option).map { $0.help + "." + ($0.values.map { " (\($0))" } ?? "") } ?? ""
    return ArgumentHelp("\(takers): \(text)", valueName: valueName)
}

private var generatorHelp: ArgumentHelp {
    let all = GeneratorCatalogue.all.map { architecture in
        architecture.usage + (architecture.remark.map { ", \($0)" } ?? "")
    }
    return ArgumentHelp(
        "Generator: \(all.dropLast().joined(separator: "; ")); or \(all.last ?? ""). "
            + "(name; default: \(GeneratorCatalogue.standard.name), with --weights what the file holds)",
        valueName: "name")
}

private var sizeHelp: ArgumentHelp {
    let ranges = GeneratorCatalogue.all.compactMap { architecture in
        architecture.sides.map { ", for \(architecture.name) from \($0.lowerBound) to \($0.upperBound)" }
    }
    let defaults = GeneratorCatalogue.all.compactMap { architecture in
        architecture.defaultSide.map { "\($0) for \(architecture.name), " }
    }
    return ArgumentHelp(
        "Side of the images in pixels; those of \(GeneratorCatalogue.networkNames.joined(separator: " and ")) are "
            + "resized to it. (integer from 1 to 4096\(ranges.joined()); default: \(defaults.joined())else what the "
            + "network makes or --crop leaves)", valueName: "n")
}
