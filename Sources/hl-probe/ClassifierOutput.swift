import HLCommand
import HLEncoders
import HLFormats
import HLTensor

/// Writes the linear classifier of the first seed with its encoder, for programs that ask for the class of an image.
struct ClassifierOutput {
    let path: String

    /// - Throws: `Failure` (cannotCreate) where the file could not be made.
    func check() throws { try OutputFile.check(path: path) }

    func write(_ report: ProbeReport, _ encoder: Encoder, seed: UInt64) throws {
        guard let head = report.head else { preconditionFailure("samples of several classes have been refused") }
        let train = report.sets[0], test = report.sets[report.sets.count - 1]
        var about: JSONObject = [
            "recipe": .string(report.recipe.name), "settings": .object(report.settings.json), "seed": .seed(seed),
            "train_samples": .integer(Int64(train.count)),
        ]
        about["test"] = [
            "source": SampleOrigin(test.header).json.source, "samples": .integer(Int64(test.count)),
            "top1": report.linear.values.first { $0.name == "top1" }.flatMap(\.values.first).map { .percent($0) }
                ?? .null,
        ]
        let headers = train.segments.map { $0.header.appending(seed: seed) }
        let file = try ClassifierFile.contents(
            encoder, head, names: report.classes.names, about: about, history: StreamHeader.history(joining: headers))
        try Checkpoint.write(file, to: path, remedy: "lower the learning rate, or give --features standard")
    }
}
