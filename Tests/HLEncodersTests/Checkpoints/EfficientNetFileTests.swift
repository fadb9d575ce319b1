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
    /// Files of EfficientNet-Lite0 under both sets of names, what is known of them, and what is refused.
    @Suite struct EfficientNetFileTests {
        private let backend: any Backend
        private let architecture: EfficientNetLiteArchitecture
        private let state: [(name: String, tensor: HostTensor)]

        init() throws {
            backend = try TestedBackend.fastest.make(threads: 2)
            architecture = try EfficientNetLiteArchitecture(width: 8, classes: 5)
            let network = architecture.makeBackbone(on: backend)
            network.initialise(seed: 3, on: backend)
            state = try network.state(on: backend)
        }

        private func withFile(
            _ tensors: [(name: String, tensor: HostTensor)], _ body: (String) throws -> Void
        ) throws {
            let path = NSTemporaryDirectory() + "hl-efficientnet-\(UUID().uuidString).safetensors"
            defer { try? FileManager.default.removeItem(atPath: path) }
            try Safetensors.write(TensorFile(tensors: NamedTensors(tensors.map { ($0.name, $0.tensor) })), to: path)
            try body(path)
        }

        @Test(arguments: ["", "module.", "model."]) func bothNamesAreRead(prefix: String) throws {
            let input = Formula.pixels(2, side: 64)
            var embeddings: [[Float]] = []
            try withFile(state.map { (prefix + $0.name, $0.tensor) }) { path in
                let encoder = try Encoder.load(
                    path: path, EncoderChoice(side: 64, architecture: "tf_efficientnet_lite0"), backend: backend)
                embeddings.append(try encoder.encode(.host(input)).floats)
            }
            try withFile(state.map { (prefix + Foreign.efficientNetName($0.name), $0.tensor) }) { path in
                let encoder = try Encoder.load(path: path, EncoderChoice(side: 64), backend: backend)
                let expected = try EncoderDescription(architecture, side: 64, crop: 56)
                #expect(encoder.description == expected)
                embeddings.append(try encoder.encode(.host(input)).floats)
                for (a, b) in zip(try encoder.backbone.state(on: backend), state) {
                    #expect(a.name == b.name)
                    if a.tensor.type == .f32 { #expect(a.tensor.floats == b.tensor.floats) }
                }
            }
            #expect(embeddings[0] == embeddings[1] && embeddings[0].count == 2 * 320)
            #expect(Set(embeddings[0]).count > 100)
        }

        @Test func descriptions() throws {
            try withFile(state.map { (Foreign.efficientNetName($0.name), $0.tensor) }) { path in
                let encoder = try Encoder.load(path: path, backend: backend)
                #expect(encoder.description.side == 256 && encoder.description.crop == 224)
                let json = encoder.description.json
                #expect(json["arch"] == "tf_efficientnet_lite0" && json["classes"] == 5)
                #expect(json["mean"] == [0.5, 0.5, 0.5] && json["std"] == [0.5, 0.5, 0.5])
                #expect(json["supervision"] == "labels of 5 classes" && json["layer"] == nil)
                #expect(try EncoderDescription(json: json, name: "x") == encoder.description)

                let choice = EncoderChoice(side: 64, crop: 64, layer: "reduction_5+reduction_4")
                let pooled = try Encoder.load(path: path, choice, backend: backend)
                #expect(pooled.description.featureCount == 28 + 80)
                #expect(pooled.description.json["layer"] == "reduction_4+reduction_5")
                #expect(try pooled.fingerprint() != encoder.fingerprint())
                let joined = try pooled.encode(.host(Formula.pixels(3, side: 64)))
                #expect(joined.shape == [3, 108])
                for (layer, columns) in [("reduction_4", 0..<28), ("reduction_5", 28..<108)] {
                    let single = try Encoder.load(
                        path: path, EncoderChoice(side: 64, crop: 64, layer: layer), backend: backend
                    ).encode(.host(Formula.pixels(3, side: 64)))
                    for row in 0..<3 {
                        #expect(joined.rows(row..<row + 1).floats[columns] == single.rows(row..<row + 1).floats[...])
                    }
                }
            }
            // Without a classifier nothing is known of labels, and there are no logits.
            let features = state.filter { !$0.name.hasPrefix("classifier.") }
            try withFile(features.map { (Foreign.efficientNetName($0.name), $0.tensor) }) { path in
                let encoder = try Encoder.load(path: path, backend: backend)
                #expect(encoder.description.supervision == nil && encoder.description.json["classes"] == nil)
                let error = failure {
                    _ = try Encoder.load(path: path, EncoderChoice(layer: "logits"), backend: self.backend)
                }
                #expect(error?.kind == .usage && error?.remedy.contains("reduction_5, head") == true)
            }
        }

        /// Embeddings of a batch are those of its images, whatever came together.
        @Test func embeddingsDoNotDependOnTheBatch() throws {
            let encoder = Encoder.untrained(
                try EncoderDescription(architecture, side: 32, crop: 32), seed: 1, backend: backend)
            let images = Formula.pixels(19, side: 32)
            let together = try encoder.encode(.host(images)).floats
            let apart = try (0..<19).flatMap { try encoder.encode(.host(images.rows($0..<$0 + 1))).floats }
            #expect(together == apart)
        }

        @Test func refusals() throws {
            func refusal(
                _ tensors: [(name: String, tensor: HostTensor)], _ choice: EncoderChoice = EncoderChoice()
            ) throws -> Failure {
                var result: Failure?
                try withFile(tensors) { path in
                    result = failure { _ = try Encoder.load(path: path, choice, backend: self.backend) }
                }
                return try #require(result)
            }
            let zero = HostTensor([0] as [Float], shape: [1])
            let unclear = try refusal(state)
            #expect(
                unclear.kind == .incompatible
                    && unclear.remedy == "give --arch tf_efficientnet_lite0 or --arch efficientnet_lite0")
            let published = state.map { (name: Foreign.efficientNetName($0.name), tensor: $0.tensor) }
            let other = try refusal(published, EncoderChoice(architecture: "efficientnet_lite0"))
            #expect(other.kind == .incompatible && other.what.contains("holds a tf_efficientnet_lite0"))
            let squeezed = try refusal(published + [("_blocks.0._se_reduce.weight", zero)])
            #expect(squeezed.kind == .incompatible && squeezed.what.contains("squeeze-excitation"))
            let surplus = try refusal(published + [("_blocks.3._se_reduce.weight", zero)])
            #expect(surplus.kind == .incompatible && surplus.what.contains("no place for blocks.2.0._se_reduce.weight"))
            let deeper = try refusal(published + [("_blocks.16._depthwise_conv.weight", zero)])
            #expect(deeper.kind == .incompatible, "\(deeper)")
            let shorter = try refusal(published.filter { !$0.name.hasPrefix("_blocks.15.") })
            #expect(shorter.kind == .incompatible && shorter.what.contains("its stage 7 has other blocks"))
            let missing = try refusal(published.filter { $0.name != "_blocks.4._bn1.running_var" })
            #expect(missing.kind == .data && missing.what.contains("blocks.2.1.bn2.running_var"))
            // Neither is memory asked for that a file has not.
            for shape in [[5, 7], [1 << 40, 0]] {
                let rest = published.filter { $0.name != "_fc.weight" }
                let classifier = HostTensor(.f32, shape: shape) { bytes in
                    for index in bytes.indices { bytes[index] = 0 }
                }
                let classified = try refusal(
                    rest + [("_fc.weight", classifier)], EncoderChoice(architecture: "tf_efficientnet_lite0"))
                #expect(classified.kind == .incompatible && classified.what.contains("classifier.weight is \(shape)"))
            }
            for classes in [-1, 0, 1 << 40] {
                #expect(failure { _ = try EfficientNetLiteArchitecture(classes: classes) }?.kind == .usage)
            }
            let layer = try refusal(published, EncoderChoice(layer: "layer4"))
            #expect(layer.kind == .usage && layer.what.contains("no layer 'layer4'"))
        }
    }
}
