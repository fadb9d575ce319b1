import Foundation
import HLFormats
import HLGenerators
import HLTensor
import Testing

/// A folder of our own making that goes with its last owner.
private final class Scratch {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hl-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func write(_ bytes: [UInt8], to name: String = "file") throws -> String {
        try Data(bytes).write(to: folder.appendingPathComponent(name))
        return path(name)
    }

    func write(_ tensors: NamedTensors, metadata: [String: String] = [:]) throws -> String {
        let path = path("file.safetensors")
        try Safetensors.write(TensorFile(tensors: tensors, metadata: metadata), to: path)
        return path
    }
}

private func fixture(_ name: String) -> String {
    Bundle.module.resourceURL!.appendingPathComponent("Fixtures/\(name)").path
}

private func bytes(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixture(name))))
}

/// Zeros under each of the names.
private func zeros(_ names: [String]) -> NamedTensors {
    NamedTensors(names.map { ($0, HostTensor([Float](repeating: 0, count: 2), shape: [2])) })
}

private let styleGAN2Names = ["synthesis.b4.const", "synthesis.b4.torgb.weight", "mapping.fc0.weight"]
private let bigBiGANNames = ["blocks.0.0.conv1.weight", "shared.weight", "linear.weight"]

private func expectFailure(
    _ kind: Failure.Kind, saying words: String? = nil, _ path: String, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(sourceLocation: sourceLocation) {
        let file = try GeneratorFile.open(path: path)
        for name in file.names { _ = try file.tensor(name) }
    } throws: { error in
        guard let failure = error as? Failure else { return false }
        let text = failure.description
        return failure.kind == kind && words.map(text.contains) ?? true && text.contains(path) && !text.contains("\n")
    }
}

/// Every form of a network gives the same tensors.
@Suite struct GeneratorFileTests {
    @Test(arguments: [
        ("bigbigan_tiny.pth", "bigbigan_tiny.safetensors"), ("bigbigan_tiny_legacy.pth", "bigbigan_tiny.safetensors"),
        ("bigbigan_tiny_half.pth", "bigbigan_tiny.safetensors"),
        ("bigbigan_tiny_double.pth", "bigbigan_tiny.safetensors"), ("stylegan2_a.pkl", "stylegan2_a.safetensors"),
        ("stylegan2_b.pkl", "stylegan2_b.safetensors"), ("stylegan2_c_3.pkl", "stylegan2_c.safetensors"),
        ("stylegan2_c_4.pkl", "stylegan2_c.safetensors"), ("stylegan2_c_5.pkl", "stylegan2_c.safetensors"),
        ("stylegan2_tf_python2.pkl", "stylegan2_tf.pkl"),
    ])
    func sameTensors(one: String, twin: String) throws {
        let one = try GeneratorFile.open(path: fixture(one)), twin = try GeneratorFile.open(path: fixture(twin))
        #expect(one.architecture == twin.architecture)
        #expect(one.names.sorted() == twin.names.sorted())
        for name in twin.names {
            let expected = try twin.tensor(name), found = try one.tensor(name)
            #expect(one.shape(of: name) == expected.shape, "\(name)")
            #expect(found.shape == expected.shape && found.type == .f32, "\(name)")
            #expect(found.floats == expected.floats, "\(name)")
        }
    }

    /// The formats' own reader reads the same from safetensors.
    @Test(arguments: ["bigbigan_tiny", "bigbigan_32", "bigbigan_64", "stylegan2_a", "stylegan2_c"])
    func safetensors(name: String) throws {
        let file = try GeneratorFile.open(path: fixture("\(name).safetensors"))
        let expected = try Safetensors.read(path: fixture("\(name).safetensors")).tensors
        #expect(file.names.sorted() == expected.names.sorted())
        for (name, tensor) in expected {
            #expect(file.shape(of: name) == tensor.shape)
            #expect(try file.tensor(name).floats == (try convertedToFloat32(tensor).floats), "\(name)")
        }
    }

    @Test func formsAndWrappersBeyondTheFixtures() throws {
        let scratch = try Scratch()
        for prefix in ["", "module.", "state_dict.module.big_gan.", "G_ema.", "_orig_mod.module.", "0.generator."] {
            let others = ["other.weight", "G.linear.weight"]
            let path = try scratch.write(zeros(bigBiGANNames.map { prefix + $0 } + others))
            let file = try GeneratorFile.open(path: path)
            #expect(file.architecture == "bigbigan")
            // Without a prefix there is no telling what belongs to the network.
            #expect(file.names.sorted() == (bigBiGANNames + (prefix.isEmpty ? others : [])).sorted())
            #expect(file.shape(of: "linear.weight") == [2] && file.shape(of: "linear.bias") == nil)
        }
        // Wrappers around parts of it.
        let compiled = styleGAN2Names.map { $0.replacingOccurrences(of: "synthesis.", with: "synthesis._orig_mod.") }
        #expect(try GeneratorFile.open(path: scratch.write(zeros(compiled))).names.sorted() == styleGAN2Names.sorted())
        // Of several networks the moving average; without one there is no telling.
        let twins = ["G.", "G_ema."].flatMap { prefix in styleGAN2Names.map { prefix + $0 } }
        #expect(try GeneratorFile.open(path: scratch.write(zeros(twins))).names.sorted() == styleGAN2Names.sorted())
        let equals = ["G.", "generator."].flatMap { prefix in styleGAN2Names.map { prefix + $0 } }
        expectFailure(.incompatible, saying: "2 generators (G, generator)", try scratch.write(zeros(equals)))
    }

    /// The extension says nothing.
    @Test func otherNames() throws {
        let scratch = try Scratch()
        for name in ["bigbigan_tiny_legacy.pth", "stylegan2_a.pkl", "stylegan2_a.safetensors"] {
            let copy = try scratch.write(bytes(name), to: "weights.onnx")
            #expect(try GeneratorFile.open(path: copy).names == GeneratorFile.open(path: fixture(name)).names)
        }
    }

    /// A header of 384 bytes begins as a pickle of protocol 1 would.
    @Test func lengthsThatLookLikePickles() throws {
        let scratch = try Scratch()
        let path = try scratch.write(zeros(bigBiGANNames), metadata: ["filler": ""])
        let short = try Data(contentsOf: URL(fileURLWithPath: path))
        let filler = String(repeating: "x", count: 384 - Int(short[0]))
        let padded = try scratch.write(zeros(bigBiGANNames), metadata: ["filler": filler])
        #expect(try Data(contentsOf: URL(fileURLWithPath: padded)).prefix(2) == Data([0x80, 1]))
        #expect(try GeneratorFile.open(path: padded).names.count == 3)
    }

    // MARK: Settings

    @Test(
        arguments: [
            ("bigbigan_tiny.pth", nil, 0.01), ("stylegan2_a.pkl", nil, 0.01), ("stylegan2_b.pkl", 256, 0.01),
            ("stylegan2_c_5.pkl", nil, 0.01), ("stylegan2_clamp.pkl", 0.8, 0.02), ("stylegan2_tf.pkl", nil, 0.01),
        ] as [(String, Float?, Float)])
    func settings(name: String, clamp: Float?, multiplier: Float) throws {
        let settings = try GeneratorFile.open(path: fixture(name)).styleGAN2
        #expect(settings.convClamp == clamp && settings.learningRateMultiplier == multiplier)
        #expect(settings.architecture == "skip")
    }

    @Test func settingsInMetadata() throws {
        let scratch = try Scratch()
        func settings(_ metadata: [String: String]) throws -> StyleGAN2Settings {
            try GeneratorFile.open(path: scratch.write(zeros(styleGAN2Names), metadata: metadata)).styleGAN2
        }
        #expect(try settings([:]) == StyleGAN2Settings())
        #expect(try settings(["conv_clamp": "None", "lr_multiplier": "0.5"]).convClamp == nil)
        let both = try settings(["conv_clamp": "256", "lr_multiplier": "0.5", "format": "pt"])
        #expect(both.convClamp == 256 && both.learningRateMultiplier == 0.5)
        let wrong = [("conv_clamp", "much"), ("conv_clamp", "-1"), ("lr_multiplier", "nan"), ("lr_multiplier", "")]
        for (key, value) in wrong {
            expectFailure(.data, saying: key, try scratch.write(zeros(styleGAN2Names), metadata: [key: value]))
        }
        let other = try scratch.write(zeros(styleGAN2Names), metadata: ["architecture": "resnet"])
        expectFailure(.incompatible, saying: "'resnet'", other)
    }

    // MARK: TensorFlow

    /// Name, sum, and sum weighted by index mod 97 of what the public converter makes of the file.
    private static let converted: [(String, Double, Double)] = [
        ("synthesis.b4.const", 7.429768443107605, 9.690788269042969),
        ("synthesis.b4.conv1.weight", -16.410744667053223, 2979.7615928649902),
        ("synthesis.b4.conv1.noise_const", 1.581298828125, 8.2373046875),
        ("synthesis.b4.conv1.noise_strength", 0.429931640625, 0),
        ("synthesis.b4.conv1.affine.weight", 12.248531341552734, 693.7720527648926),
        ("synthesis.b4.conv1.affine.bias", 16.21044921875, 118.3818359375),
        ("synthesis.b4.conv1.resample_filter", 1, 7.5),
        ("synthesis.b4.torgb.weight", 4.893341064453125, 170.434326171875),
        ("synthesis.b8.conv0.weight", 21.028303384780884, 1692.6257162094116),
        ("synthesis.b8.conv0.noise_const", -3.308948516845703, -236.79527282714844),
        ("synthesis.b8.conv0.bias", -0.49753570556640625, -9.71563720703125),
        ("synthesis.b8.conv1.weight", 6.630799293518066, 2013.1056470870972),
        ("synthesis.b8.conv1.noise_const", 3.9750900268554688, 18.901641845703125),
        ("synthesis.b8.torgb.affine.weight", -16.228153228759766, -1053.1679382324219),
        ("synthesis.b16.conv0.weight", -40.89003944396973, -1747.6476078033447),
        ("synthesis.b16.conv0.noise_const", 5.67729640007019, 342.5932159423828),
        ("synthesis.b16.conv1.affine.weight", -7.170322418212891, -330.91535568237305),
        ("synthesis.b16.torgb.affine.bias", 8.1796875, 26.6484375),
        ("mapping.w_avg", 1.4880828857421875, 24.780120849609375),
        ("mapping.fc0.weight", -496.42999267578125, -17749.36962890625),
        ("mapping.fc2.weight", 1979.7872314453125, 119830.01245117188),
        ("mapping.fc2.bias", 133.775390625, 323.296875),
    ]

    @Test func tensorFlowUnderTheReferencesNames() throws {
        let file = try GeneratorFile.open(path: fixture("stylegan2_tf.pkl"))
        for (name, plain, weighted) in Self.converted {
            let values = try file.tensor(name).floats.map(Double.init)
            #expect(abs(values.reduce(0, +) - plain) < 1e-6, "\(name)")
            let sum = values.enumerated().reduce(0) { $0 + $1.element * Double($1.offset % 97) }
            #expect(abs(sum - weighted) < 1e-6, "\(name)")
        }
        let mapping = ["w_avg"] + (0..<3).flatMap { ["fc\($0).weight", "fc\($0).bias"] }
        var names = mapping.map { "mapping.\($0)" } + ["synthesis.b4.const"]
        for resolution in [4, 8, 16] {
            var leaves = ["resample_filter"]
            for layer in resolution == 4 ? ["conv1"] : ["conv0", "conv1"] {
                leaves += ["weight", "bias", "affine.weight", "affine.bias"].map { "\(layer).\($0)" }
                leaves += ["noise_const", "noise_strength", "resample_filter"].map { "\(layer).\($0)" }
            }
            leaves += ["weight", "bias", "affine.weight", "affine.bias"].map { "torgb.\($0)" }
            names += leaves.map { "synthesis.b\(resolution).\($0)" }
        }
        #expect(file.names.sorted() == names.sorted())
        #expect(file.shape(of: "synthesis.b16.conv0.weight") == [8, 16, 3, 3])
        #expect(file.shape(of: "synthesis.b16.conv0.noise_const") == [16, 16])
        #expect(file.shape(of: "synthesis.b4.conv1.noise_strength") == [])
        let row: [Float] = [1, 3, 3, 1]
        let filter = row.flatMap { down in row.map { down * $0 / 64 } }
        #expect(try file.tensor("synthesis.b8.resample_filter").floats == filter)
    }

    // MARK: Memory

    /// Opening reads no values, and a tensor that was read leaves nothing of the file behind.
    @Test func onlyWhatIsReadIsInMemory() throws {
        let scratch = try Scratch()
        let megabyte = 1 << 18
        let large = HostTensor([Float](repeating: 0.5, count: 32 * megabyte), shape: [32, megabyte])
        let path = try scratch.write([
            "synthesis.b4.const": large, "mapping.fc0.weight": HostTensor([Float(1)], shape: [1]),
        ])
        let file = try GeneratorFile.open(path: path)
        #expect(try residentKilobytes(of: path) < 1024)
        #expect(try file.tensor("synthesis.b4.const").elementCount == 32 * megabyte)
        #expect(try residentKilobytes(of: path) < 1024)
    }

    /// Of the mappings of a file.
    private func residentKilobytes(of path: String) throws -> Int {
        var isOwn = false
        var total = 0
        for line in try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0].contains("-") {
                isOwn = line.hasSuffix(path)
            } else if isOwn, words[0] == "Rss:" {
                total += Int(words[1]) ?? 0
            }
        }
        return total
    }
}

/// Files that hold something else, or are damaged: a `Failure` that says so, never a trap.
@Suite struct GeneratorFileRefusalTests {
    @Test func otherNetworks() throws {
        let scratch = try Scratch()
        expectFailure(.incompatible, saying: "shared.weight", try scratch.write(zeros(["a", "b"])))
        expectFailure(.incompatible, saying: "mapping.fc0.weight", try scratch.write(zeros(["a", "b"])))
        let others = [
            (["module.conv1.weight"], "encoder"),
            (["G_ema.synthesis.input.affine.weight", "D.b4.fc.weight"], "StyleGAN3"),
            (["D.b4.fc.weight"], "discriminator"), (["style.1.weight"], "another implementation"),
        ]
        for (names, words) in others { expectFailure(.incompatible, saying: words, try scratch.write(zeros(names))) }
        // Landmarks of one network alone.
        expectFailure(.incompatible, saying: "no generator", try scratch.write(zeros(bigBiGANNames.map { "x" + $0 })))
        expectFailure(.incompatible, saying: "no generator", try scratch.write(zeros(Array(bigBiGANNames.prefix(2)))))
    }

    @Test func otherArchitecturesOfStyleGAN2() throws {
        let scratch = try Scratch()
        let synthesis = ["b4.const", "b8.conv1.weight", "b8.torgb.weight"]
        let blocks = synthesis.map { "synthesis.\($0)" } + ["mapping.fc0.weight"]
        expectFailure(.incompatible, saying: "'orig'", try scratch.write(zeros(blocks)))
        let residual = blocks + ["synthesis.b8.skip.weight"]
        expectFailure(.incompatible, saying: "'resnet'", try scratch.write(zeros(residual)))
    }

    /// Words of the same length in place of those that the pickle has.
    @Test(arguments: [
        ("stylegan2_a.pkl", "lrelu", "swish", "activation"), ("stylegan2_a.pkl", "skip", "orig", "'orig'"),
        ("stylegan2_tf.pkl", "fmap_max", "fmap_mux", "fmap_mux"),
        ("stylegan2_tf.pkl", "label_size", "use_sigmas", "use_sigmas"),
        ("stylegan2_tf.pkl", "num_channels", "architecture", "the architecture"),
        ("stylegan2_tf.pkl", "Conv0_up", "Skip_lod", "synthesis/4x4"),
        ("stylegan2_tf.pkl", "8x8/", "8x4/", "8x4 pixels"),
    ])
    func otherSettings(name: String, word: String, other: String, said: String) throws {
        let scratch = try Scratch()
        let changed = try replacing(word, by: other, in: bytes(name))
        let path = try scratch.write(changed)
        if said == "synthesis/4x4" {
            // Variables that are not known keep their names, for the network to refuse.
            let names = try GeneratorFile.open(path: path).names
            #expect(names.contains("synthesis/8x8/Skip_lod/weight") && !names.contains("synthesis.b8.conv0.weight"))
        } else {
            expectFailure(.incompatible, saying: said, path)
        }
    }

    /// Pickles of networks with nothing but a version and arguments.
    @Test func otherTensorFlowNetworks() throws {
        let scratch = try Scratch()
        func network(version: UInt8, state: String = "U\u{0D}static_kwargs}") -> [UInt8] {
            Array("cdnnlib.tflib.network\nNetwork\n)".utf8) + [0x81] + Array("}(U\u{07}versionK".utf8) + [version]
                + Array("\(state)ub".utf8)
        }
        func pickle(_ parts: [[UInt8]]) throws -> String {
            try scratch.write([0x80, 2] + parts.flatMap { $0 } + [0x2E])
        }
        expectFailure(.incompatible, saying: "older form", try pickle([network(version: 3)]))
        expectFailure(.incompatible, saying: "mapping.fc0.weight", try pickle([network(version: 4)]))
        expectFailure(.data, saying: "arguments", try pickle([network(version: 4, state: "")]))
        let pair = [network(version: 4), network(version: 4), [0x86]]
        expectFailure(.incompatible, saying: "holds 2 objects", try pickle(pair))
        let triple = [network(version: 3), network(version: 3), network(version: 4), [0x87]]
        expectFailure(.incompatible, saying: "mapping.fc0.weight", try pickle(triple))
        expectFailure(.incompatible, saying: "three networks", try pickle(triple.dropLast(2) + [[0x4E, 0x87]]))
        let variables = "U\u{0D}static_kwargs}U\u{09}variables](U\u{01}aK\u{01}e"
        expectFailure(.data, saying: "pairs", try pickle([network(version: 4, state: variables)]))
    }

    @Test func otherFiles() throws {
        let scratch = try Scratch()
        expectFailure(.noInput, saying: "No such file", scratch.path("nothing"))
        expectFailure(.noInput, saying: "regular file", FileManager.default.temporaryDirectory.path)
        expectFailure(.data, saying: "empty", try scratch.write([]))
        expectFailure(.data, saying: "zstd", try scratch.write([0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0, 0]))
        expectFailure(.data, saying: "HDF5", try scratch.write([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0]))
        expectFailure(.data, saying: "web page", try scratch.write(Array("<html>Not found</html>".utf8)))
        expectFailure(.data, saying: "not weights (it starts", try scratch.write(Array("some text".utf8)))
        // A pickle of a number, and of no generator.
        expectFailure(.incompatible, saying: "no tensors", try scratch.write([0x80, 2, 0x4B, 7, 0x2E]))
    }

    // MARK: Damage

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func valuesThatAreNotFinite(value: Float) throws {
        let scratch = try Scratch()
        var tensors = zeros(bigBiGANNames)
        tensors["shared.weight"] = HostTensor([0, 1, value, 2], shape: [4])
        let file = try GeneratorFile.open(path: scratch.write(tensors))
        #expect(try file.tensor("linear.weight").floats == [0, 0])
        #expect { try file.tensor("shared.weight") } throws: {
            ($0 as? Failure)?.kind == .data && "\($0)".contains("shared.weight")
        }
        // Beyond F32.
        tensors["shared.weight"] = HostTensor(.f64, shape: [1]) { $0.storeBytes(of: 1e300, as: Double.self) }
        expectFailure(.data, saying: "shared.weight", try scratch.write(tensors))
    }

    @Test func tensorsThatAreMissing() throws {
        let file = try GeneratorFile.open(path: fixture("bigbigan_tiny.pth"))
        #expect { try file.tensor("blocks.9.0.conv1.weight") } throws: {
            ($0 as? Failure)?.kind == .data && "\($0)".contains("blocks.9.0.conv1.weight")
        }
    }

    private static let files = [
        "bigbigan_tiny.pth", "bigbigan_tiny_legacy.pth", "bigbigan_tiny_half.pth", "bigbigan_tiny.safetensors",
        "stylegan2_b.pkl", "stylegan2_c_3.pkl", "stylegan2_c_5.pkl", "stylegan2_tf.pkl", "stylegan2_tf_python2.pkl",
    ]

    @Test(arguments: files) func cutShort(name: String) throws {
        let scratch = try Scratch()
        let whole = try bytes(name)
        for step in 0..<60 {
            expectFailure(.data, try scratch.write(Array(whole[..<(whole.count * step / 60)])))
        }
        expectFailure(.data, try scratch.write(Array(whole.dropLast())))
    }

    @Test(arguments: files) func mutations(name: String) throws {
        let scratch = try Scratch()
        let whole = try bytes(name)
        for seed in UInt64(0)..<120 {
            let path = try scratch.write(mutated(whole, seed: seed))
            do {
                let file = try GeneratorFile.open(path: path)
                for name in file.names { _ = try file.tensor(name) }
            } catch {
                #expect(error is Failure)
            }
        }
    }

    /// Up to forty changes, half of them near the beginning or the end, where directories are.
    private func mutated(_ whole: [UInt8], seed: UInt64) -> [UInt8] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1
        func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        var result = whole
        for _ in 0...next(40) {
            let reach = min(result.count, 4096)
            let place =
                switch next(4) {
                case 0: next(reach)
                case 1: result.count - 1 - next(reach)
                default: next(result.count)
                }
            switch next(5) {
            case 0: result[place] ^= 1 << UInt8(next(8))
            case 1: result[place] = UInt8(next(256))
            case 2: result[place] = [0, 1, 0x4B, 0x71, 0x7F, 0x80, 0x85, 0x94, 0xFF][next(9)]
            case 3: result.remove(at: place)
            default: result.insert(UInt8(next(256)), at: place)
            }
        }
        return result
    }

    private func replacing(_ word: String, by other: String, in bytes: [UInt8]) throws -> [UInt8] {
        let word = Array(word.utf8), other = Array(other.utf8)
        #expect(word.count == other.count)
        var result = bytes
        for place in 0...(bytes.count - word.count) where bytes[place..<place + word.count].elementsEqual(word) {
            result.replaceSubrange(place..<place + word.count, with: other)
        }
        #expect(result != bytes)
        return result
    }
}
