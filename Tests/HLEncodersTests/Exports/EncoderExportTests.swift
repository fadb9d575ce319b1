import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// Files for the code of others: names against the converters of others (`exports.json`), and what comes back. That the
    /// libraries themselves take them, and make the same features of them, is checked by Tests/Interchange/check_exports.py.
    @Suite struct EncoderExportTests {
        private let backend: any Backend

        init() throws { backend = try TestedBackend.fastest.make(threads: 1) }

        private func encoder(
            _ depth: ResNet.Architecture = .resnet18, width: Int = 64, stem: ResNet.Stem = .imagenet,
            layer: String? = nil
        ) throws -> Encoder {
            let description = try EncoderDescription(
                architecture: depth, width: width, stem: stem, side: 32, crop: 24, layer: layer)
            return Encoder.untrained(description, seed: 5, backend: backend)
        }

        private func efficientNet(classes: Int? = nil, layer: String? = nil) throws -> Encoder {
            let architecture = try EfficientNetLiteArchitecture(.tensorFlow, classes: classes)
            return Encoder.untrained(
                try EncoderDescription(architecture, side: 64, layer: layer), seed: 5, backend: backend)
        }

        /// Writes a file that is there while `body` runs.
        private func exported(
            _ encoder: Encoder, _ name: String, _ library: ForeignLibrary? = nil, classifier: LinearHead? = nil,
            _ body: (String) throws -> Void
        ) throws {
            let folder = NSTemporaryDirectory() + "hl-export-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let path = "\(folder)/\(name)"
            try EncoderExport(encoder, classifier, as: ExportForm(path: path), for: library).write(
                to: path, provenance: ["hl.training": #"{"method":"simsiam"}"#], version: "1")
            try body(path)
        }

        // MARK: State dicts

        /// What is read again is the same network, and what is done to images is known.
        @Test(
            arguments: ["e.safetensors", "e.pth", "e.PT", "e.ckpt"],
            ForeignLibrary.allCases.filter { $0 != .detectron2 })
        func stateDictsComeBack(name: String, library: ForeignLibrary) throws {
            let original = try encoder()
            try exported(original, name, library) { path in
                let found = try Encoder.load(path: path, backend: backend)
                #expect(found.description == original.description)
                #expect(try found.fingerprint() == original.fingerprint())
            }
        }

        @Test func namesHaveNoPrefix() throws {
            let original = try encoder(.resnet50, width: 4, stem: .cifar)
            for name in ["e.safetensors", "e.pth"] {
                try exported(original, name) { path in
                    let names = try ModelFile.open(path: path).tensors().map(\.name)
                    #expect(Set(names) == Set(try original.backbone.state(on: backend).map(\.name)))
                }
            }
        }

        @Test(arguments: ["resnet18", "resnet50"]) func namesAreThoseOfConverters(arch: String) throws {
            let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/exports.json")
            let json = try JSONValue(parsing: String(contentsOf: file, encoding: .utf8), name: "exports.json")
            let original = try encoder(
                try #require(ResNet.Architecture(rawValue: arch)), width: arch == "resnet50" ? 4 : 64)
            let state = try original.backbone.state(on: backend)
            for (library, file, prefix) in [
                (ForeignLibrary.detectron2, "e.pkl", "model."), (.lightly, "e.pth", "state_dict."),
            ] {
                let expected = try #require(json[arch]?[library.rawValue]?.object)
                #expect(expected.members.count == state.count)
                try exported(original, file, library) { path in
                    let found = Dictionary(
                        uniqueKeysWithValues: try ModelFile.open(path: path).tensors().map { ($0.name, $0.tensor) })
                    #expect(found.count == state.count)
                    for (ours, tensor) in state {
                        let theirs = try #require(expected[ours]?.string)
                        let value = try #require(found[prefix + theirs]).hostTensor()
                        #expect(value.shape == tensor.shape && value.type == tensor.type)
                        #expect(value.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
                    }
                }
            }
        }

        /// What detectron2's reader asks for beside the arrays.
        @Test func picklesSayWhatDetectron2Asks() throws {
            try exported(try encoder(.resnet50, width: 4), "e.pkl") { path in
                let file = try TorchFile.read(path: path)
                #expect(file["matching_heuristics"]?.boolean == true && file["__author__"]?.text == "hl-export")
                let lines = try #require(file["hl.loading"]?.text).split(separator: "\n").map {
                    $0.trimmingCharacters(in: .whitespaces)
                }
                for line in [
                    #"WEIGHTS: "e.pkl""#, "PIXEL_MEAN: [123.675, 116.28, 103.53]", "PIXEL_STD: [58.395, 57.12, 57.375]",
                    "DEPTH: 50", "STRIDE_IN_1X1: False", #"FORMAT: "RGB""#, "STEM_OUT_CHANNELS: 4",
                    "RES2_OUT_CHANNELS: 16", "WIDTH_PER_GROUP: 4",
                ] {
                    #expect(lines.contains(line), "\(line)")
                }
            }
        }

        @Test func efficientNetsHaveTimmsNames() throws {
            for classes in [nil, 7] {
                let original = try efficientNet(classes: classes)
                try exported(original, "e.safetensors") { path in
                    let found = try Encoder.load(path: path, backend: backend)
                    #expect(found.description == original.description)
                    #expect(try found.fingerprint() == original.fingerprint())
                }
                #expect(
                    try EncoderExport(original, as: .torch, for: nil).lines(file: "e").contains(
                        "model = timm.create_model(\"tf_efficientnet_lite0\", num_classes=\(classes ?? 0))"))
            }
        }

        @Test func metadataSayWhereItComesFrom() throws {
            try exported(try encoder(width: 4), "e.safetensors") { path in
                guard case .safetensors(_, let metadata) = try ModelFile.open(path: path) else {
                    Issue.record("no safetensors")
                    return
                }
                #expect(metadata["hl.training"] == #"{"method":"simsiam"}"# && metadata["format"] == "pt")
                #expect(metadata["hl.loading"]?.contains("model.load_state_dict(state)\n") == true)
                #expect(metadata["hl.encoder"]?.contains(#""crop":24"#) == true)
            }
            for name in ["e.safetensors", "e.pth"] {
                try exported(try encoder(width: 4), name) { path in
                    let kept = try EncoderCheckpoint.provenance(path: path)
                    #expect(kept == ["hl.training": #"{"method":"simsiam"}"#])
                }
            }
        }

        /// A file whose words and tensors disagree.
        @Test func otherNetworksThanStatedAreRefused() throws {
            try exported(try encoder(width: 4), "e.safetensors") { path in
                var file = try Safetensors.read(path: path)
                file.metadata["hl.encoder"] = file.metadata["hl.encoder"]?.replacing(#""width":4"#, with: #""width":8"#)
                try Safetensors.write(file, to: path)
                #expect(failure { _ = try Encoder.load(path: path, backend: self.backend) }?.kind == .data)
            }
        }

        // MARK: Classifiers

        private func classifier(_ encoder: Encoder, takesUnitLength: Bool = false) -> LinearHead {
            let d = encoder.description.featureCount
            return LinearHead(
                weight: Formula.centred("fc.weight", [3, d]), bias: Formula.centred("fc.bias", [3]),
                takesUnitLength: takesUnitLength)
        }

        @Test(arguments: [ForeignLibrary.torchvision, .timm]) func classifiersComeBack(library: ForeignLibrary) throws {
            let original = try encoder(width: 4), head = classifier(original)
            for form in [ExportForm.safetensors, .torch] {
                let folder = NSTemporaryDirectory() + "hl-export-\(UUID().uuidString)"
                defer { try? FileManager.default.removeItem(atPath: folder) }
                let export = try EncoderExport(original, head, as: form, for: library)
                try export.write(
                    to: folder, provenance: ["hl.classifier": #"{"classes":["a","b","c"],"features":"raw"}"#],
                    version: "1")
                let found = try ClassifierFile.head(path: folder, EncoderChoice())
                #expect(found.weight.floats == head.weight.floats && found.bias.floats == head.bias.floats)
                let classifier = try ClassifierFile.read(path: folder, on: backend)
                #expect(classifier.names == ["a", "b", "c"])
                let lines = export.lines(file: "e").joined(separator: "\n")
                #expect(lines.contains(library == .timm ? "num_classes=3" : "model.fc = torch.nn.Linear(32, 3)"))
            }
        }

        @Test func classifiersThatAFormDoesNotHold() throws {
            let encoder = try encoder(), head = classifier(encoder), unit = classifier(encoder, takesUnitLength: true)
            for library in [ForeignLibrary.lightly, .soloLearn] {
                #expect(
                    failure { _ = try EncoderExport(encoder, head, as: .torch, for: library) }?.kind == .incompatible)
            }
            #expect(failure { _ = try EncoderExport(encoder, head, as: .pickle, for: nil) }?.kind == .incompatible)
            #expect(failure { _ = try EncoderExport(encoder, unit, as: .torch, for: nil) }?.kind == .incompatible)
            let lite = try efficientNet()
            let layer = classifier(lite)
            #expect(failure { _ = try EncoderExport(lite, layer, as: .torch, for: nil) }?.kind == .incompatible)
        }

        @Test(arguments: [false, true]) func graphsOfClassifiers(takesUnitLength: Bool) throws {
            let encoder = try encoder(width: 4)
            let model = try model(encoder, classifier(encoder, takesUnitLength: takesUnitLength))
            #expect(model.outputs == ["features: batch 32", "scores: batch 3"])
            #expect(model.count("Gemm") == 1 && model.count("LpNormalization") == (takesUnitLength ? 1 : 0))
            try expectWhole(model, encoder)
        }

        // MARK: Refusals

        @Test func otherEndingsAreRefused() {
            for name in ["e", "e.h5", ".onnx.txt", "pth", "-"] {
                #expect(failure { _ = try ExportForm(path: name) }?.kind == .usage, "\(name)")
            }
        }

        @Test(arguments: [
            (ExportForm.onnx, ForeignLibrary.timm), (.pickle, .timm), (.pickle, .soloLearn), (.torch, .detectron2),
            (.safetensors, .detectron2),
        ])
        func formsThatALibraryDoesNotRead(form: ExportForm, library: ForeignLibrary) throws {
            let encoder = try encoder(width: 4)
            #expect(failure { _ = try EncoderExport(encoder, as: form, for: library) }?.kind == .usage)
        }

        @Test func networksThatALibraryDoesNotHave() throws {
            let small = try encoder(stem: .cifar), narrow = try encoder(width: 8), lite = try efficientNet()
            let cases: [(Encoder, ExportForm, ForeignLibrary?)] = [
                (small, .pickle, nil), (narrow, .pickle, nil), (small, .torch, .soloLearn),
                (narrow, .torch, .soloLearn), (lite, .torch, .torchvision), (lite, .pickle, nil),
                (try encoder(.resnet34), .torch, .soloLearn),
            ]
            for (encoder, form, library) in cases {
                #expect(failure { _ = try EncoderExport(encoder, as: form, for: library) }?.kind == .incompatible)
            }
        }

        @Test func otherLayersAreForONNX() throws {
            let encoder = try encoder(width: 4, layer: "layer1+layer3")
            #expect(failure { _ = try EncoderExport(encoder, as: .torch, for: nil) }?.kind == .usage)
            #expect(failure { _ = try EncoderExport(encoder, as: .onnx, for: nil) } == nil)
        }

        // MARK: ONNX

        private func model(_ encoder: Encoder, _ classifier: LinearHead? = nil) throws -> ONNXModel {
            var model: ONNXModel?
            try exported(encoder, "e.onnx", classifier: classifier) { path in
                model = try ONNXModel([UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
            }
            return try #require(model)
        }

        /// Numbers of operations are those of the papers' networks; every value is made before it is used, and once.
        @Test(arguments: [
            (ResNet.Architecture.resnet18, ResNet.Stem.imagenet, 20, 17, 8),
            (.resnet34, .cifar, 36, 33, 16), (.resnet50, .imagenet, 53, 49, 16),
        ])
        func graphsOfResNets(
            depth: ResNet.Architecture, stem: ResNet.Stem, convolutions: Int, activations: Int, sums: Int
        ) throws {
            let encoder = try encoder(depth, width: 4, stem: stem)
            let model = try model(encoder)
            #expect(model.operators == 17)
            #expect(model.count("Conv") == convolutions && model.count("BatchNormalization") == convolutions)
            #expect(model.count("Relu") == activations && model.count("Add") == sums)
            #expect(model.count("MaxPool") == (stem == .imagenet ? 1 : 0) && model.count("GlobalAveragePool") == 1)
            #expect(model.nodes.prefix(2).map(\.operation) == ["Sub", "Div"])
            #expect(model.inputs == ["images: batch 3 24 24"])
            #expect(model.outputs == ["features: batch \(encoder.description.featureCount)"])
            try expectWhole(model, encoder)
        }

        @Test func graphsOfEfficientNets() throws {
            let all = "reduction_1+reduction_4+head+logits"
            let encoder = try efficientNet(classes: 7, layer: all), model = try model(encoder)
            #expect(model.count("Conv") == 49 && model.count("BatchNormalization") == 49 && model.count("Clip") == 33)
            #expect(model.count("Add") == 9 && model.count("Gemm") == 1 && model.count("GlobalAveragePool") == 3)
            #expect(model.outputs == ["features: batch \(16 + 112 + 1280 + 7)"])
            try expectWhole(model, encoder)
        }

        /// Of a network cut short the rest is left out.
        @Test func layersBehindTheLastStayAway() throws {
            let encoder = try encoder(width: 4, layer: "layer2+layer1"), model = try model(encoder)
            #expect(model.outputs == ["features: batch \(4 + 8)"])
            #expect(
                !model.weights.contains { $0.hasPrefix("layer3") } && model.weights.contains("layer2.1.bn2.running_var")
            )
        }

        private func expectWhole(_ model: ONNXModel, _ encoder: Encoder) throws {
            var known = Set(model.weights + ["images"])
            #expect(known.count == model.weights.count + 1)
            for node in model.nodes {
                #expect(known.isSuperset(of: node.inputs), "\(node)")
                #expect(known.insert(node.output).inserted, "\(node)")
            }
            let names = try encoder.backbone.state(on: backend).map(\.name).filter {
                !$0.hasSuffix("num_batches_tracked")
            }
            #expect(known.isSuperset(of: names))
        }
    }
}
