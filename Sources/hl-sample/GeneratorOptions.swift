import ArgumentParser
import HLCommand
import HLGenerators
import HLTensor

/// n chunks of m values, written 6x20.
extension LatentShape: ExpressibleByArgument {
    package init?(argument: String) {
        let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let chunks = parts[0], let dimension = parts[1], (1...65_536).contains(chunks),
            (1...65_536).contains(dimension)
        else { return nil }
        self.init(chunks: chunks, dimension: dimension)
    }
}

/// Which generator the latents are for, and how it renders them.
struct GeneratorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Generator: shapes, built in; bigbigan; stylegan2; or exec:COMMAND, a program that renders. "
                + "(name; default: shapes, with --weights what the file holds)", valueName: "name"))
    var generator: String?

    @Option(
        help: ArgumentHelp(
            "Weights of a BigBiGAN or StyleGAN2 generator: .pth, .pkl or .safetensors; not needed for latents z alone. "
                + "(path)", valueName: "file"))
    var weights: String?

    @Option(
        help: ArgumentHelp(
            "Side of the images in pixels; those of bigbigan and stylegan2 are resized to it. (integer from 1 to 4096, "
                + "for shapes from 16 to 512; default: 64 for shapes, else what the network makes or --crop leaves)",
            valueName: "n"))
    var size: Int?

    @Flag(help: "Render shapes without defects, in the part of real data.")
    var clean = false

    @Option(
        name: .customLong("class"),
        help: ArgumentHelp(
            "Class that a conditional network renders. (integer from 0; default: 0)", valueName: "n"))
    var classIndex: Int?

    @Option(
        help: ArgumentHelp(
            "stylegan2: ψ, by which mapped latents are pulled towards their mean. (number; default: 1)",
            valueName: "x"))
    var psi: Double?

    @Option(
        help: ArgumentHelp(
            "stylegan2: --psi is for the layers below this one only. (integer from 0; default: all layers)",
            valueName: "n"))
    var cutoff: Int?

    @Option(
        help: ArgumentHelp(
            "stylegan2: noise images of the weights file, fresh ones for every sample and view, or none. "
                + "(default: const)", valueName: "mode"))
    var noise: NoiseMode?

    @Option(help: ArgumentHelp("Seed of --noise random. (integer from 0 to 2^64-1; default: 0)", valueName: "n"))
    var noiseSeed: UInt64?

    @Option(
        help: ArgumentHelp(
            "bigbigan, stylegan2: cut out the square of this side in the middle. (integer from 1 to the network's)",
            valueName: "n"))
    var crop: Int?

    @Option(
        help: ArgumentHelp(
            "Filter that resizes to --size: antialias as torchvision, or bilinear without it as kornia. "
                + "(default: antialias)", valueName: "name"))
    var filter: ResizeFilter?

    @Option(help: ArgumentHelp("exec: chunks and their dimension. (such as 6x20)", valueName: "nxm"))
    var latentShape: LatentShape?

    private static let execPrefix = "exec:"

    /// The command of `exec:COMMAND`.
    private var command: String? {
        generator.flatMap { $0.hasPrefix(Self.execPrefix) ? String($0.dropFirst(Self.execPrefix.count)) : nil }
    }

    /// Whether a command to run is on this command line.
    var isCommand: Bool { command != nil }

    /// Whether anything but the size is on the command line.
    var isGiven: Bool {
        generator != nil || weights != nil || clean || latentShape != nil || !renderingOptions.isEmpty
    }

    func validate() throws {
        if let size, !RenderingSettings.sides.contains(size) {
            throw refuse("images cannot have a side of \(size) pixels", "give --size from 1 to 4096")
        }
        if let crop, !RenderingSettings.sides.contains(crop) {
            throw refuse("images cannot be cropped to \(crop) pixels", "give --crop from 1 to 4096")
        }
        if let classIndex, !(0...1 << 20).contains(classIndex) {
            throw refuse("there is no class \(classIndex)", "give --class a number from 0")
        }
        if let psi, !psi.isFinite { throw refuse("ψ cannot be \(psi)", "give --psi a finite number") }
        if let cutoff, !(0...1 << 16).contains(cutoff) {
            throw refuse("there is no layer \(cutoff)", "give --cutoff a number from 0")
        }
        if cutoff != nil && psi ?? 1 == 1 {
            throw refuse("--cutoff limits --psi to some layers", "give --psi too, or leave it out")
        }
        if noiseSeed != nil && noise != .random {
            throw refuse("--noise-seed is for random noise images", "give --noise random too, or leave it out")
        }
        if filter != nil && size == nil {
            throw refuse("--filter is for resized images", "give --size too, or leave it out")
        }
        if let name { try check(name) }
    }

    /// The generator's name, where it shows without opening the weights.
    private var name: String? { isCommand ? "exec" : generator ?? (weights == nil ? "shapes" : nil) }

    /// Options on how a network renders, as they are on the command line.
    private var renderingOptions: [String] {
        let given = [
            ("--class", classIndex != nil), ("--psi", psi != nil), ("--cutoff", cutoff != nil),
            ("--noise", noise != nil), ("--noise-seed", noiseSeed != nil), ("--crop", crop != nil),
            ("--filter", filter != nil),
        ]
        return given.filter(\.1).map(\.0)
    }

    /// Refuses what the generator does not take.
    private func check(_ name: String) throws {
        let takesWeights = ["bigbigan", "stylegan2"].contains(name)
        if weights != nil && ["shapes", "exec"].contains(name) {
            throw Failure(
                .usage, name == "exec" ? "a command needs no weights" : "the generator shapes is built in",
                "leave out --weights")
        }
        if clean && name != "shapes" { throw Failure(.usage, "--clean is for the generator shapes", "leave it out") }
        if latentShape != nil && name != "exec" {
            throw Failure(.usage, "--latent-shape is for exec:COMMAND", "leave it out")
        }
        if isCommand && (latentShape == nil || size == nil) {
            throw Failure(
                .usage, "the shape of the latents or the side of the images of exec:COMMAND is missing",
                "give --latent-shape, such as 6x20, and --size")
        }
        let allowed: [String]
        switch name {
        case "bigbigan": allowed = ["--class", "--crop", "--filter"]
        case "stylegan2": allowed = renderingOptions
        default: allowed = []
        }
        if let option = renderingOptions.first(where: { !allowed.contains($0) }) {
            throw Failure(.usage, "the generator \(name) takes no \(option)", "leave it out")
        }
        if takesWeights && weights == nil, let option = renderingOptions.first {
            throw Failure(
                .usage, "\(option) is for rendering, which needs the network's weights",
                "give --weights too, or leave it out")
        }
    }

    private var rendering: RenderingSettings {
        var settings = RenderingSettings()
        settings.classIndex = classIndex ?? settings.classIndex
        settings.psi = psi ?? settings.psi
        settings.cutoff = cutoff
        settings.noise = noise ?? settings.noise
        settings.noiseSeed = noiseSeed ?? settings.noiseSeed
        settings.crop = crop
        settings.size = size
        settings.filter = filter ?? settings.filter
        return settings
    }

    /// The generator as the options describe it.
    /// - Throws: `Failure`: usage for an option that it does not take, noInput, data or incompatible for the weights.
    func specification() throws -> GeneratorSpecification {
        if let command, let latentShape, let size {
            return try .external(command: command, latent: latentShape, resolution: size)
        }
        if let weights {
            return try .fromWeights(path: weights, name: generator, rendering: rendering, check: check)
        }
        return try .named(generator ?? "shapes", resolution: size, clean: clean)
    }
}
