import ArgumentParser
import Glibc
import HLFormats
import HLGenerators
import HLTensor
import HLViews

/// What every program takes.
package struct SharedOptions: ParsableArguments, Sendable {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Threads in all; 0 takes all cores, in a container those of its quota. (integer from 0 to 1024)",
            valueName: "n"))
    package var threads = 0

    @Flag(name: .shortAndLong, help: "Print nothing on stderr but errors.")
    package var quiet = false

    @Flag(name: .shortAndLong, help: "Print the settings in use on stderr.")
    package var verbose = false

    @Flag(name: .long, help: "Report progress on stderr also where it is no terminal, as a line every ten seconds.")
    package var progress = false

    package init() {}

    package func validate() throws {
        guard (0...1024).contains(threads) else {
            throw Failure(.usage, "cannot use \(threads) threads", "give --threads from 0 to 1024")
        }
        if quiet && (verbose || progress) {
            throw Failure(.usage, "--quiet contradicts --\(verbose ? "verbose" : "progress")", "give one of them")
        }
    }

    /// Threads in all, at least 1.
    package var threadCount: Int { threads > 0 ? threads : Machine.coreCount }
}

/// The seed of a program that draws random numbers.
package struct SeedOption: ParsableArguments, Sendable {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Seed of all random numbers; programs with one seed do not share numbers. (integer from 0 to 2^64-1)",
            valueName: "n"))
    package var seed: UInt64 = 0

    package init() {}
}

/// Where a stream or picture goes.
package struct OutputOption: ParsableArguments, Sendable {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "File to write, under a temporary name until it is complete; - is standard output. (path)",
            valueName: "file"), completion: .file())
    package var output = "-"

    package init() {}

    /// Whether the output is a regular file, or one that is not there yet: what never ends would fill the disk.
    package var isFile: Bool {
        var status = stat()
        if let descriptor = output == "-" ? STDOUT_FILENO : descriptor(namedBy: output) {
            return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        }
        return stat(output, &status) != 0 || status.st_mode & S_IFMT == S_IFREG
    }
}

/// How images are attached to a stream.
package struct RenderOptions: ParsableArguments, Sendable {
    @Flag(name: .long, help: "Attach the images of all views at once, for a reader that cannot render them.")
    package var render = false

    @Option(
        name: .long,
        help: ArgumentHelp("Type of attached pixels, with --render: u8 is 0…255, f32 is 0…1.", valueName: "type"))
    package var pixels: PixelType = .u8

    package init() {}
}

extension PixelType: ExpressibleByArgument {}
extension LatentSpace: ExpressibleByArgument {}
extension NoiseMode: ExpressibleByArgument {}
extension ResizeFilter: ExpressibleByArgument {}

/// A truncated normal N^t(μ, σ, t), for anchors or for noise.
package struct NormalOptions: ParsableArguments, Sendable {
    @Option(help: ArgumentHelp("Mean μ. (number; default: 0)", valueName: "x"))
    package var mean: Double?

    @Option(
        name: .customLong("std"),
        help: ArgumentHelp("Standard deviation σ before truncation. (number from 0; default: 1)", valueName: "x"))
    package var standardDeviation: Double?

    @Option(
        name: .customLong("trunc"),
        help: ArgumentHelp(
            "Where it is cut off, in standard deviations. (number above 0, or inf; default: \(Int(standardTruncation)))",
            valueName: "x"))
    package var truncation: Double?

    package init() {}

    /// Whether any of them is on the command line.
    package var isGiven: Bool { mean != nil || standardDeviation != nil || truncation != nil }

    /// - Parameter truncation: where none is on the command line.
    /// - Throws: `Failure(.usage)` for values that make no distribution.
    package func distribution(truncation other: Double = standardTruncation) throws -> TruncatedNormal {
        try TruncatedNormal(
            mean: mean ?? 0, standardDeviation: standardDeviation ?? 1, truncation: truncation ?? other)
    }
}
