import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// --precision of the programs, emulated, so that it runs on any processor: it does something, and is said.
struct PrecisionOptionTests {
    private static let real = "hl-sample -q --clean --size 32 --seed 3"
    private static let generated = "hl-sample -q --size 32 --seed 4"
    private static let network = Programs.tests + "/HLGeneratorsTests/Fixtures/bigbigan_tiny.pth"

    static let trainings = [
        "\(generated) | hl-train --width 4 --batch 8 -n 16",
        "\(generated) | hl-train --method byol --width 4 --batch 8 -n 16",
        "\(generated) | hl-train walker --chunks 1 --width 4 --batch 8 -n 16",
        "\(generated) | hl-train discriminator --width 4 --batch 8 --held-out 8 -n 16 --real <(\(real))",
        "\(real) | hl-train generator --width 4 --chunk-size 5 --batch 4 -n 16",
    ]

    /// Other weights come out, and the file says why.
    @Test(arguments: trainings) func otherWeightsComeOut(_ command: String) throws {
        let space = try Workspace()
        var files: [TensorFile] = []
        for precision in ["f32", "bf16"] {
            let name = "\(precision).safetensors"
            try space.succeed("\(command) -q --backend plain --precision \(precision) -o \(name)")
            files.append(try Safetensors.read(path: space.file(name)))
        }
        let (wide, narrow) = (files[0], files[1])
        #expect(wide.tensors.names.sorted() == narrow.tensors.names.sorted())
        #expect(narrow.tensors.allSatisfy { $0.1.type != .bf16 })
        #expect(
            wide.tensors.contains { name, tensor in tensor.type == .f32 && narrow.tensors[name]?.floats != tensor.floats
            })
        #expect(wide.metadata.values.allSatisfy { !$0.contains("\"precision\"") })
        #expect(narrow.metadata["hl.training"]?.contains("\"precision\":\"bf16\"") == true)
    }

    /// Who renders a stream keeps to the precision of its header.
    @Test func rendering() throws {
        let space = try Workspace()
        let sample = "hl-sample -q --backend plain --weights \(Self.network) -n 6"
        try space.succeed(
            """
            \(sample) --render -o f32.hls
            \(sample) --precision bf16 --render -o bf16.hls
            \(sample) --precision bf16 | hl-perturb -q --backend plain --chunks 1 --render -o perturbed.hls
            """)
        let (wide, narrow) = (
            try StreamContent(path: space.file("f32.hls")), try StreamContent(path: space.file("bf16.hls"))
        )
        let perturbed = try StreamContent(path: space.file("perturbed.hls"))
        #expect(narrow.rows["z.0"] == wide.rows["z.0"] && narrow.rows["x.0"] != wide.rows["x.0"])
        #expect(perturbed.rows["x.0"] == narrow.rows["x.0"])
        let header = try StreamReader(path: space.file("bf16.hls")).header
        #expect(header.generator?["precision"] == "bf16")
        #expect(try StreamReader(path: space.file("f32.hls")).header.generator?["precision"] == nil)
    }

    /// Embeddings and scores are others, and the header says of which precision.
    @Test func embeddingsAndScores() throws {
        let space = try Workspace()
        try space.succeed(
            """
            \(Self.generated) -n 8 --render -o s.hls
            \(Self.generated) | hl-train discriminator -q --width 4 --batch 8 --held-out 8 -n 16 --real <(\(Self.real)) -o d.safetensors
            """)
        for (command, key, tensor) in [
            ("hl-encode -q --untrained --width 4 --side 32", "hl.encoder", "e.0"),
            ("hl-filter -q --discriminator d.safetensors --score", "hl.filter", "s.0"),
        ] {
            var contents: [StreamContent] = []
            for precision in ["f32", "bf16"] {
                try space.succeed("\(command) --backend plain --precision \(precision) s.hls > \(precision).hls")
                contents.append(try StreamContent(path: space.file("\(precision).hls")))
                let said = try StreamReader(path: space.file("\(precision).hls")).header.metadata[key] ?? ""
                #expect(said.contains("\"precision\":\"bf16\"") == (precision == "bf16"), "\(said)")
            }
            #expect(
                contents[0].rows[tensor] != contents[1].rows[tensor]
                    && contents[0].rows["x.0"] == contents[1].rows["x.0"])
        }
    }
}
