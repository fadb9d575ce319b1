import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

/// A file that is there for the length of one test.
private func withFile(_ contents: TensorFile, _ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "hl-encoder-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Safetensors.write(contents, to: path)
    try body(path)
}

extension EncodersTests {
    @Suite struct EncoderCheckpointTests {
        private let backend: any Backend
        private let description: EncoderDescription

        init() throws {
            backend = try TestedBackend.fastest.make(threads: 1)
            description = try EncoderDescription(width: 4, side: 32)
        }

        /// A small encoder's weights under torchvision's names.
        private func state(_ architecture: ResNet.Architecture = .resnet18, _ stem: ResNet.Stem = .imagenet) throws
            -> [(name: String, tensor: HostTensor)]
        {
            let description = try EncoderDescription(architecture: architecture, width: 4, stem: stem, side: 32)
            return try Encoder.untrained(description, seed: 5, backend: backend).backbone.state(on: backend)
        }

        private func file(_ tensors: [(name: String, tensor: HostTensor)], prefix: String = "") -> TensorFile {
            TensorFile(tensors: NamedTensors(tensors.map { (prefix + $0.name, $0.tensor) }))
        }

        private func own(_ extra: [(name: String, tensor: HostTensor)] = []) throws -> TensorFile {
            let backbone = try state().map { (name: "backbone." + $0.name, tensor: $0.tensor) }
            return EncoderCheckpoint.file(description, state: backbone + extra)
        }

        @Test func ownFilesComeBackAsTheyWere() throws {
            let original = Encoder.untrained(description, seed: 5, backend: backend)
            let input = Formula.pixels(3, side: 32)
            let head = (name: "head.0.weight", tensor: HostTensor([1, 2] as [Float], shape: [1, 2]))
            try withFile(try own([head])) { path in
                let loaded = try Encoder.load(path: path, backend: backend)
                #expect(loaded.description == description)
                #expect(loaded.description.crop == 28)
                #expect(
                    try loaded.encode(.host(input)).floats
                        == original.encode(.host(input)).floats)
                #expect(try loaded.fingerprint() == original.fingerprint())
                let other = try Encoder.load(path: path, EncoderChoice(side: 64), backend: backend)
                #expect(other.description.side == 64 && other.description.crop == 56)
            }
            #expect(
                try Encoder.untrained(description, seed: 6, backend: backend).fingerprint() != original.fingerprint())
        }

        /// Headers whose length begins with the bytes of a pickle, 0x80 and a version.
        @Test func aLengthThatLooksLikeAPickle() throws {
            try withFile(try own()) { path in
                var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
                let length = bytes[..<8].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
                // Spaces behind the JSON, up to a length that begins with 0x80 0x04.
                let wanted = (length / 65_536 + 1) * 65_536 + 0x0480
                bytes.insert(contentsOf: [UInt8](repeating: 0x20, count: wanted - length), at: 8 + length)
                for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: wanted >> (8 * index)) }
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                #expect(bytes.starts(with: [0x80, 0x04]))
                _ = try Encoder.load(path: path, backend: backend)
            }
        }

        @Test(arguments: [
            "", "module.", "module.encoder.", "backbone.", "somebody.else.", "_orig_mod.", "module._orig_mod.encoder.",
            "_orig_mod.module.", "state_dict.module.module.backbone.", "0.model.",
        ])
        func foreignNamesAreFound(prefix: String) throws {
            var tensors = try state()
            tensors.append(("fc.weight", HostTensor([Float](repeating: 0, count: 64), shape: [2, 32])))
            try withFile(file(tensors, prefix: prefix)) { path in
                let encoder = try Encoder.load(path: path, backend: backend)
                let expected = try EncoderDescription(width: 4, side: 128, crop: 112)
                #expect(encoder.description == expected)
                let reloaded = try encoder.backbone.state(on: backend)
                for (a, b) in zip(reloaded, try state()) {
                    #expect(a.name == b.name)
                    if a.tensor.type == .f32 { #expect(a.tensor.floats == b.tensor.floats) }
                }
            }
        }

        @Test(arguments: ResNet.Architecture.allCases, ResNet.Stem.allCases)
        func architectureFollowsFromTheTensors(architecture: ResNet.Architecture, stem: ResNet.Stem) throws {
            try withFile(file(try state(architecture, stem))) { path in
                let found = try Encoder.load(path: path, EncoderChoice(side: 64), backend: backend).description
                #expect(
                    found == (try EncoderDescription(architecture: architecture, width: 4, stem: stem, side: 64)))
            }
        }

        @Test func faultyFilesAreRefusedByName() throws {
            let good = try state()
            let load = { (contents: TensorFile) in
                var result: Failure?
                try withFile(contents) { path in
                    result = failure { _ = try Encoder.load(path: path, backend: self.backend) }
                }
                return try #require(result)
            }
            let missing = try load(file(good.filter { $0.name != "layer2.0.bn1.weight" }))
            #expect(missing.kind == .data && missing.what.contains("layer2.0.bn1.weight"))

            let wrong = try load(
                file(
                    good.map {
                        $0.name == "layer3.1.bn2.bias"
                            ? ($0.name, HostTensor([0, 0] as [Float], shape: [2])) : $0
                    }))
            #expect(wrong.kind == .data && wrong.what.contains("layer3.1.bn2.bias"))

            let surplus = try load(file(good + [("layer1.0.se.weight", HostTensor([0] as [Float], shape: [1]))]))
            #expect(surplus.kind == .incompatible && surplus.what.contains("layer1.0.se.weight"))

            let deeper = try load(file(good + [("layer4.2.conv1.weight", HostTensor([0] as [Float], shape: [1]))]))
            #expect(deeper.kind == .incompatible && deeper.what.contains("2-2-2-3"))

            #expect(try load(file([("x", HostTensor([0] as [Float], shape: [1]))])).kind == .incompatible)

            let diverged = try load(
                file(
                    good.map {
                        $0.name == "layer3.1.bn2.bias"
                            ? ($0.name, HostTensor([Float](repeating: .nan, count: 16), shape: [16])) : $0
                    }))
            #expect(diverged.kind == .data && diverged.what.contains("layer3.1.bn2.bias holds a NaN"))
        }

        /// A network of the family that is not computed is named, and one of which a part is there.
        @Test func otherResNetsAreNamed() throws {
            func zeros(_ shape: [Int]) -> HostTensor {
                HostTensor([Float](repeating: 0, count: shape.reduce(1, *)), shape: shape)
            }
            func words(
                _ architecture: ResNet.Architecture, named name: String = "file",
                _ change: (String, HostTensor) -> (String, HostTensor)?
            ) throws -> Failure {
                let tensors = try state(architecture).compactMap { change($0.name, $0.tensor) }
                let path = NSTemporaryDirectory() + "\(UUID().uuidString)-\(name).safetensors"
                defer { try? FileManager.default.removeItem(atPath: path) }
                try Safetensors.write(TensorFile(tensors: NamedTensors(tensors)), to: path)
                let refusal = try #require(failure { _ = try Encoder.load(path: path, backend: self.backend) })
                #expect(refusal.kind == .incompatible && refusal.what.hasPrefix(path), "\(refusal)")
                return refusal
            }
            let grouped = try words(.resnet50) { name, tensor in
                (name, name == "layer1.0.conv2.weight" ? zeros([4, 2, 3, 3]) : tensor)
            }
            #expect(grouped.what.contains("grouped ResNet (ResNeXt), whose convolutions have 2 groups"))
            let wide = try words(.resnet50) { name, tensor in
                let shapes = ["layer1.0.conv1.weight": [8, 4, 1, 1], "layer1.0.conv2.weight": [8, 8, 3, 3]]
                return (name, shapes[name].map(zeros) ?? tensor)
            }
            #expect(wide.what.contains("wide ResNet"))
            let deep = try words(.resnet18) { name, tensor in
                (name == "conv1.weight" ? "conv1.0.weight" : name, tensor)
            }
            #expect(deep.what.contains("several convolutions in its stem"))
            let end = try words(.resnet18, named: "model-00002-of-00002") { name, tensor in
                name.hasPrefix("layer3.") || name.hasPrefix("layer4.") ? (name, tensor) : nil
            }
            #expect(end.what.contains("part 2 of 2 of a ResNet, without its conv1, layer1, layer2"))
            let start = try words(.resnet18) { name, tensor in name.hasPrefix("layer4.") ? nil : (name, tensor) }
            #expect(start.what.contains("a part of a ResNet, without its layer4"))
            let transformer = try words(.resnet18) { _, tensor in ("patch_embed.proj.weight", tensor) }
            #expect(transformer.what.contains("vision transformer"))
        }

        /// nn.Sequential(*resnet.children()), with ReLU and pooling between stem and stages or without; shortcuts by the name
        /// that networks for CIFAR have.
        @Test(arguments: [("backbone.", 4), ("module.", 4), ("", 3), ("net.0.", 2)])
        func numberedNetworks(prefix: String, firstStage: Int) throws {
            let stem = firstStage == 4 ? ResNet.Stem.imagenet : .cifar
            let numbered = try state(.resnet18, stem).map { name, tensor in
                var parts = name.split(separator: ".", maxSplits: 1).map(String.init)
                parts[0] =
                    ["conv1": "0", "bn1": "1"][parts[0]] ?? "\(firstStage - 1 + (Int(parts[0].dropFirst(5)) ?? 0))"
                let renamed = parts.joined(separator: ".")
                return (
                    name: firstStage == 4 ? renamed : renamed.replacingOccurrences(of: "downsample", with: "shortcut"),
                    tensor: tensor
                )
            }
            try withFile(file(numbered + [("head.0.weight", numbered[0].tensor)], prefix: prefix)) { path in
                let encoder = try Encoder.load(path: path, EncoderChoice(side: 64), backend: backend)
                let expected = try EncoderDescription(width: 4, stem: stem, side: 64)
                #expect(encoder.description == expected && encoder.remark == nil)
                for (a, b) in zip(try encoder.backbone.state(on: backend), try state(.resnet18, stem)) {
                    #expect(a.name == b.name)
                    if a.tensor.type == .f32 { #expect(a.tensor.floats == b.tensor.floats) }
                }
            }
        }

        // MARK: Several networks

        /// Two networks with these prefixes; the second has other weights.
        private func twins(_ one: String, _ other: String, equal: Bool = false) throws -> TensorFile {
            let second = try Encoder.untrained(
                EncoderDescription(width: 4, side: 32), seed: equal ? 5 : 6, backend: backend
            ).backbone.state(on: backend)
            return TensorFile(
                tensors: NamedTensors(
                    try state().map { (one + $0.name, $0.tensor) } + second.map { (other + $0.name, $0.tensor) }))
        }

        private func isFirst(_ encoder: Encoder) throws -> Bool {
            let found = try encoder.backbone.state(on: backend).first { $0.name == "conv1.weight" }?.tensor.floats
            return try found == state().first { $0.name == "conv1.weight" }?.tensor.floats
        }

        @Test(arguments: [
            ("student.module.backbone.", "teacher.backbone."), ("state_dict.", "state_dict_ema."), ("", "ema."),
        ])
        func severalNetworksAreAChoice(one: String, other: String) throws {
            try withFile(twins(one, other)) { path in
                let refusal = try #require(failure { _ = try Encoder.load(path: path, backend: self.backend) })
                #expect(refusal.kind == .incompatible && refusal.what.contains("2 ResNets"))
                let names = [one, other].map { "'\(withoutWrappers($0).dropLast())'" }
                #expect(names.allSatisfy(refusal.what.contains) && refusal.remedy.contains("--part"))
                let part = String(withoutWrappers(other).split(separator: ".")[0])
                #expect(try isFirst(Encoder.load(path: path, EncoderChoice(part: part), backend: backend)) == false)
                let whole = String(withoutWrappers(one).dropLast())
                #expect(try isFirst(Encoder.load(path: path, EncoderChoice(part: whole), backend: backend)))
                let nowhere = failure {
                    _ = try Encoder.load(path: path, EncoderChoice(part: "nowhere"), backend: self.backend)
                }
                #expect(nowhere?.kind == .usage && nowhere?.remedy.contains(names[1]) == true)
            }
        }

        /// What their authors evaluate is taken, and said, whichever comes first.
        @Test(arguments: [
            ("encoder_q.", "encoder_k."), ("backbone.", "momentum_backbone."),
            ("online_encoder.net.", "target_encoder.net."),
        ])
        func slowCopiesAreLeft(taken: String, left: String) throws {
            for isFirst in [true, false] {
                let file = try isFirst ? twins("module." + taken, "module." + left) : twins("module." + left, taken)
                try withFile(file) { path in
                    let encoder = try Encoder.load(path: path, backend: backend)
                    #expect(try self.isFirst(encoder) == isFirst)
                    #expect(encoder.remark?.contains("'\(taken.dropLast())' is taken") == true)
                    #expect(encoder.remark?.contains("'\(left.dropLast())'") == true)
                }
            }
        }

        @Test func copiesOfOneNetworkAreNoChoice() throws {
            try withFile(twins("net.", "learner.net.", equal: true)) { path in
                let encoder = try Encoder.load(path: path, backend: backend)
                #expect(encoder.remark == nil)
            }
        }

        // MARK: What is done to images

        @Test func filesSayWhatIsDoneToImages() throws {
            let text = try #require(try own().metadata["hl.encoder"])
            let json = try JSONValue(parsing: text, name: "hl.encoder")
            #expect(json["mean"] == [0.485, 0.456, 0.406] && json["std"] == [0.229, 0.224, 0.225])
            #expect(json["resize"] == "bilinear" && json["crop"] == 28 && json["side"] == 32)
            // Files of earlier versions say nothing of it; others say something else.
            for (from, to, kind) in [
                (#","resize":"bilinear","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]"#, "", nil),
                ("[0.485,0.456,0.406]", "[0.5,0.5,0.5]", .incompatible), ("bilinear", "bicubic", .incompatible),
            ] as [(String, String, Failure.Kind?)] {
                var contents = try own()
                contents.metadata["hl.encoder"] = text.replacingOccurrences(of: from, with: to)
                #expect(contents.metadata["hl.encoder"] != text)
                try withFile(contents) { path in
                    #expect(failure { _ = try Encoder.load(path: path, backend: self.backend) }?.kind == kind)
                }
            }
        }

        @Test func filesOfAnotherKindOrVersionAreRefused() throws {
            let load = { (change: (inout TensorFile) -> Void) in
                var contents = try self.own(), result: Failure?
                change(&contents)
                try withFile(contents) { path in
                    result = failure { _ = try Encoder.load(path: path, backend: self.backend) }
                }
                return try #require(result)
            }
            let walker = try load { $0.metadata["hl.kind"] = "walker" }
            #expect(walker.kind == .incompatible && walker.what.contains("holds a walker"))
            #expect(try load { $0.metadata["hl.version"] = "2" }.kind == .incompatible)
            #expect(try load { $0.metadata["hl.encoder"] = nil }.kind == .data)
            #expect(try load { $0.metadata["hl.encoder"] = "{}" }.kind == .data)
            #expect(try load { $0.metadata["hl.encoder"] = "{" }.kind == .data)
            let unknown = try load {
                $0.metadata["hl.encoder"] = #"{"arch":"vit","width":4,"stem":"imagenet","side":32,"crop":28}"#
            }
            #expect(unknown.kind == .incompatible)
            let huge = try load {
                $0.metadata["hl.encoder"] =
                    #"{"arch":"resnet18","width":9999999,"stem":"imagenet","side":32,"crop":28}"#
            }
            #expect(huge.kind == .data)
            #expect(failure { _ = try Encoder.load(path: "/nowhere/x", backend: backend) }?.kind == .noInput)
        }

        @Test func textAndStreamsAreNoEncoders() throws {
            let path = NSTemporaryDirectory() + "hl-encoder-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: path) }
            for (bytes, kind) in [
                (Array("some text that is long enough".utf8), Failure.Kind.data), ([], .data),
                ([0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0, 0, 0], .incompatible), ([0x80, 2, 0x2E], .data),
            ] as [([UInt8], Failure.Kind)] {
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                #expect(failure { _ = try Encoder.load(path: path, backend: backend) }?.kind == kind)
            }
        }
    }
}
