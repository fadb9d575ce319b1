import ArgumentParser
import HLEncoders

/// The options that single training methods have. What they mean, which values they take and what is taken where they are
/// left out, the methods say (`Methods`).
struct MethodOptions: ParsableArguments {
    @Option(help: ArgumentHelp("\(Methods.help("positives"))", valueName: "n"))
    var positives: Int?

    @Option(help: ArgumentHelp("\(Methods.help("temperature"))", valueName: "x"))
    var temperature: Float?

    @Option(help: ArgumentHelp("\(Methods.help("target-momentum"))", valueName: "x"))
    var targetMomentum: Float?

    @Option(help: ArgumentHelp("\(Methods.help("queue"))", valueName: "n"))
    var queue: Int?

    @Flag(inversion: .prefixedNo, help: ArgumentHelp("\(Methods.help("head-norm"))"))
    var headNorm: Bool?

    @Option(help: ArgumentHelp("\(Methods.help("lambda"))", valueName: "x"))
    var lambda: Float?

    @Option(help: ArgumentHelp("\(Methods.help("slices"))", valueName: "n"))
    var slices: Int?

    @Option(help: ArgumentHelp("\(Methods.help("projection"))", valueName: "n"))
    var projection: Int?

    @Option(help: ArgumentHelp("\(Methods.help("classes"))", valueName: "n"))
    var classes: Int?

    /// What is on the command line, by the names that the methods have for it.
    var given: [(name: String, value: MethodOption.Value?)] {
        [
            ("positives", positives.map { .integer($0) }), ("temperature", temperature.map { .number($0) }),
            ("target-momentum", targetMomentum.map { .number($0) }), ("queue", queue.map { .integer($0) }),
            ("head-norm", headNorm.map { .flag($0) }), ("lambda", lambda.map { .number($0) }),
            ("slices", slices.map { .integer($0) }), ("projection", projection.map { .integer($0) }),
            ("classes", classes.map { .integer($0) }),
        ]
    }
}

extension MethodDescription: ExpressibleByArgument {
    package init?(argument: String) {
        guard let method = Methods.named(argument) else { return nil }
        self = method
    }

    package var defaultValueDescription: String { name }
    package static var allValueStrings: [String] { Methods.all.map(\.name) }
    package static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}
