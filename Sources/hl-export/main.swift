import ArgumentParser
import Glibc
import HLCommand
import HLEncoders
import HLFormats
import HLTensor

/// hl-export: writes an encoder for the code of others.
struct Export: Tool {
    static let configuration = describe(
        "hl-export", "Write an encoder for torchvision, timm, lightly, solo-learn, detectron2 or ONNX.",
        discussion: """
            The ending of the file is its form: .safetensors, .pth (also .pt, .ckpt), .pkl for detectron2, or .onnx. What \
            loads it is printed, and is kept in the file: Python, or for detectron2 a part of its configuration.
            """)

    static let examples = [
        "hl-export --encoder encoder.safetensors -o resnet18.pth",
        "hl-export --encoder encoder.safetensors --names timm -o timm.safetensors",
        "hl-export --encoder encoder.safetensors -o detectron2.pkl",
        "hl-export --encoder encoder.safetensors -o resnet18.onnx",
    ]

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "File to write, under a temporary name until it is complete; its ending says the form. (path)",
            valueName: "file"), completion: .file())
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Whose names the weights have. (\(ForeignLibrary.allCases.map(\.rawValue).joined(separator: ", ")); "
                + "default: torchvision for a ResNet, timm for an EfficientNet-Lite0, detectron2 for .pkl)",
            valueName: "name"), completion: .list(ForeignLibrary.allCases.map(\.rawValue)),
        transform: { try choice($0, or: "there are no names of") })
    var names: ForeignLibrary?

    @Flag(help: "Write the linear layer behind the features too, as of hl-probe -o and of a supervised encoder.")
    var classifier = false

    @OptionGroup var randomness: SeedOption
    @OptionGroup(title: "Encoder") var network: EncoderOptions
    @OptionGroup(title: "Record and cost") var recording: RecordOptions
    @OptionGroup(title: "Common options") var shared: SharedOptions

    func validate() throws {
        guard network.isGiven else {
            throw refuse("no encoder is given", "give --encoder FILE, or --untrained for a baseline")
        }
        try check(!classifier || !network.untrained, "an untrained encoder has no classifier", "leave out --classifier")
        try ExportForm(path: path()).check(names)
    }

    private func path() throws -> String {
        guard let output else { throw refuse("there is no file to write", "give -o FILE") }
        return output
    }

    func run() throws {
        let path = try path()
        try OutputFile.check(path: path)
        if [network.encoder, network.untrainedOf].contains(where: { $0.map { areOneFile($0, path) } ?? false }) {
            throw refuse("the encoder would be written over by less than it is", "give another -o")
        }
        let encoder = try network.makeEncoder(seed: randomness.seed, on: network.makeBackend(shared))
        let export = try EncoderExport(encoder, try head(), as: ExportForm(path: path), for: names)
        Console.note("\(network.name): \(encoder.description.json.text)")
        try Recording.begin(recording, beside: path, settings: encoder.description.json)
        try export.write(
            to: path, provenance: network.encoder.map(EncoderCheckpoint.provenance) ?? [:], version: Version.number)
        try Console.printOutput(export.lines(file: path).joined(separator: "\n") + "\n")
    }

    private func head() throws -> LinearHead? {
        guard classifier, let path = network.encoder else { return nil }
        return try ClassifierFile.head(
            path: path, EncoderChoice(part: network.part, architecture: network.arch, layer: network.layer))
    }
}

runTool(Export.self)
