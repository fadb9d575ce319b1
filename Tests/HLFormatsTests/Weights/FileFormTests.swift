import Foundation
import HLFormats
import HLTensor
import Testing

/// What files are found in place of weights, latents and streams, by their first bytes.
@Suite struct FileFormTests {
    @Test(
        arguments: [
            ([], FileForm.Kind.empty), (Array("PK\u{3}\u{4}".utf8), .zip), ([0x80, 2, 0x7D], .pickle),
            ([0x93] + Array("NUMPY".utf8) + [1, 0], .npy), ([0x28, 0xB5, 0x2F, 0xFD, 4], .zstd),
            ([16, 0, 0, 0, 0, 0, 0, 0] + Array(#"{"a":"#.utf8), .safetensors),
            // A length that begins as a pickle does.
            ([0x80, 2, 0, 0, 0, 0, 0, 0] + Array("{}".utf8), .safetensors), (Array("text\nmore".utf8), .unknown),
            ([1, 2, 3], .unknown),
        ] as [([UInt8], FileForm.Kind)])
    func kinds(bytes: [UInt8], kind: FileForm.Kind) { #expect(FileForm(bytes).kind == kind) }

    @Test(arguments: [
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 46830571\n", "Git LFS pointer",
            "git lfs pull"
        ),
        ("  <!doctype HTML><html><body>quota exceeded</body>", "web page (HTML)", "browser"),
        ("\u{FEFF}<html>", "web page (HTML)", "browser"), ("<?xml version='1.0'?><Error>", "XML document", "download"),
        (#"{"metadata": {"total_size": 1}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}"#, "index", "save"),
        (#"{"a": 1}"#, "JSON document", "the remedy"), ("BZh91AY", "bzip2", "bunzip2"),
    ])
    func textsInPlaceOfFiles(text: String, title: String, remedy: String) {
        let failure = FileForm(Array(text.utf8)).refusal(of: "weights.pth", wanted: "weights", remedy: "the remedy")
        #expect(failure.kind == .data && failure.what.hasPrefix("weights.pth is ") && failure.what.contains(title))
        #expect(failure.what.hasSuffix(", not weights") && failure.remedy.contains(remedy), "\(failure)")
    }

    @Test(
        arguments: [
            ([0x1F, 0x8B, 8], "gzip"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz"), ([0x89, 0x48, 0x44, 0x46], "HDF5"),
            ([0x89, 0x50, 0x4E, 0x47], "PNG"), ([0xFF, 0xD8, 0xFF, 0xE0], "JPEG"),
            ([UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8), "tar archive"),
            ([UInt8](repeating: 0, count: 64), "zeros"), ([8, 7, 0x12, 7] + Array("pytorch".utf8), "ONNX"),
        ] as [([UInt8], String)])
    func binaryFiles(bytes: [UInt8], title: String) {
        let form = FileForm(bytes)
        #expect(form.kind == .foreign)
        #expect(form.refusal(of: "x", wanted: "a stream", remedy: "").what.contains(title))
    }

    @Test func othersShowHowTheyBegin() {
        func what(_ bytes: [UInt8]) -> String { FileForm(bytes).refusal(of: "x", wanted: "weights", remedy: "").what }
        #expect(what(Array("id,z\n0,1".utf8)) == #"x is not weights (it starts with the text "id,z")"#)
        #expect(what([1, 2, 3, 0xFF, 5]) == "x is not weights (it starts with the bytes 01 02 03 ff)")
        #expect(what([]) == "x is empty")
    }

    @Test func weightsFilesAreOpenedByTheirBytes() throws {
        try StreamFixtures.inFolder { folder in
            let path = folder + "/weights.safetensors"
            try OutputFile.write(try TorchFixtures.bytes("types_zip.pt"), to: path)
            guard case .pickle = try ModelFile.open(path: path) else {
                Issue.record("a file of torch.save was taken for something else")
                return
            }
            for (bytes, words) in [
                (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "is a Git LFS pointer"), ([], "is empty"),
                ([0x93] + Array("NUMPY".utf8), "is a NumPy array (.npy), not an encoder"),
                (Zip(entries: [("net/data.pkl", [0x4E, 0x2E]), ("net/constants.pkl", [])]).bytes, "TorchScript"),
            ] as [([UInt8], String)] {
                try OutputFile.write(bytes, to: path)
                let failure = #expect(throws: Failure.self) { try ModelFile.open(path: path, wanted: "an encoder") }
                #expect(failure?.kind == .data && failure?.what.hasPrefix(path) == true)
                #expect(failure?.what.contains(words) == true, "\(String(describing: failure))")
            }
        }
    }

    @Test func shards() {
        #expect(shard(inName: "a/model-00001-of-00002.safetensors") == "part 1 of 2")
        #expect(shard(inName: "model-00010-of-00012.bin") == "part 10 of 12")
        #expect(shard(inName: "model-00001-of-00001.safetensors") == nil && shard(inName: "one-of-us.pth") == nil)
        #expect(shard(inName: "model-00001-of-00002.d/weights.pth") == nil)
    }

    // MARK: Looking ahead

    @Test(arguments: [0, 5, 9, 100, 600, 5000]) func whatWasSeenIsReadAgain(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
        try StreamFixtures.inFolder { folder in
            let path = folder + "/file"
            try OutputFile.write(bytes, to: path)
            #expect(try PeekingSource(path: path).readAll().withBytes(Array.init) == bytes)
            let source = try PeekingSource(path: path), buffer = HostBuffer(count: 7)
            var read: [UInt8] = []
            while case let count = try source.read(into: buffer.bytes), count > 0 {
                read += buffer.withBytes { Array($0.prefix(count)) }
            }
            #expect(read == bytes)
        }
    }
}

/// Names with what training puts around networks.
@Suite struct WrapperTests {
    @Test func wrappersAnywhere() {
        for name in [
            "module._orig_mod.encoder.conv1.weight", "_orig_mod.module.module.encoder.conv1.weight",
            "encoder._fsdp_wrapped_module.conv1.weight", "encoder.conv1._orig_mod.weight", "encoder.conv1.weight",
        ] {
            #expect(withoutWrappers(name) == "encoder.conv1.weight")
        }
        #expect(withoutWrappers("modules.0.module_list.weight") == "modules.0.module_list.weight")
    }

    @Test func namesThatWouldBecomeOneStayApart() throws {
        let one = try StoredTensor([1], shape: [1])
        let both = removingWrappers(from: [("a.weight", one), ("module.a.weight", one)])
        #expect(both.map(\.name) == ["a.weight", "module.a.weight"])
    }

    @Test func pathsThroughAPickle() throws {
        // {'nets': [{'module': {'head': 7}}]}
        let pickle = Pickle().op("}").text("nets").op("]", "}").text("module").op("}").text("head").op("K", 7, "s", "s")
            .op("a", "s", ".")
        let value = try TorchFile.read(bytes: pickle.bytes)
        #expect(value.descendant(at: "nets.0.module.head")?.integer == 7)
        #expect(value.descendant(at: "nets.0.head.")?.integer == 7)
        #expect(value.descendant(at: "nets.1.head") == nil && value.descendant(at: "") != nil)
        #expect(value.descendant(at: "nets.0")?.unwrapped["head"]?.integer == 7)
    }
}
