import Foundation
import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
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
            backend = try BackendChoice.automatic.make(threads: 1)
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
                let other = try Encoder.load(path: path, side: 64, backend: backend)
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

        @Test(arguments: ["", "module.", "module.encoder.", "backbone.", "somebody.else."])
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
                let found = try Encoder.load(path: path, side: 64, backend: backend).description
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
            #expect(surplus.kind == .data && surplus.what.contains("layer1.0.se.weight"))

            let deeper = try load(file(good + [("layer4.2.conv1.weight", HostTensor([0] as [Float], shape: [1]))]))
            #expect(deeper.kind == .incompatible && deeper.what.contains("2-2-2-3"))

            #expect(try load(file([("x", HostTensor([0] as [Float], shape: [1]))])).kind == .incompatible)
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
