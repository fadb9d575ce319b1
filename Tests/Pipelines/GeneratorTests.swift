import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// Small networks that the tests of the generators have too.
private enum Networks {
    static let bigBiGAN = fixture("bigbigan_tiny.pth")
    static let styleGAN2 = fixture("stylegan2_a.pkl")

    private static func fixture(_ name: String) -> String {
        Programs.tests + "/HLGeneratorsTests/Fixtures/\(name)"
    }
}

extension Workspace {
    /// The generator in a stream's header.
    fileprivate func generator(_ stream: String) throws -> JSONValue {
        let text = try succeed("hl-view --json \(stream)").text
        return try #require(try JSONValue(parsing: text, name: "json")["generator"])
    }
}

/// Generators with and without their weights, and what a stream's header says of them.
struct GeneratorTests {
    @Test func latentsWithoutWeights() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample --generator stylegan2 -n 100 > s.hls; hl-sample --generator stylegan2 --size 64 -n 1 > small.hls
            hl-sample --generator stylegan2 --trunc 2 -n 100 > wide.hls; hl-sample --generator bigbigan -n 3 > b.hls
            """)
        func largest(_ name: String) throws -> Float {
            try StreamContent(path: space.file(name)).floats("z.0").values.joined().map(abs).max() ?? 0
        }
        #expect(try (0.89...0.9).contains(largest("s.hls")))
        #expect(try (1.9...2).contains(largest("wide.hls")))
        #expect(try space.generator("s.hls")["layers"] == 16)
        #expect(try space.generator("small.hls")["layers"] == 10)
        #expect(try StreamContent(path: space.file("s.hls")).floats("z.0")[7]?.count == 512)
        #expect(try StreamContent(path: space.file("b.hls")).floats("z.0")[2]?.count == 120)
        #expect(try space.generator("b.hls")["layers"] == nil)
    }

    /// All layers move together where z does, which needs no network.
    @Test func baselineWithoutWeights() throws {
        let space = try Workspace()
        let sample = "hl-sample --generator stylegan2 -n 200"
        try space.succeed("\(sample) | hl-perturb --chunks 0-15 --std 0.15 --trunc 0.9 --views 2 > p.hls")
        let content = try StreamContent(path: space.file("p.hls"))
        #expect(content.names == ["id", "z.0", "z.1", "z.2"])
        let (anchors, positives) = (content.floats("z.0"), content.floats("z.1"))
        for (id, anchor) in anchors {
            let steps = zip(anchor, positives[id] ?? []).map { abs($0 - $1) }
            #expect(steps.count == 512 && steps.allSatisfy { $0 <= 0.1351 } && steps.contains { $0 > 0.1 })
        }
        #expect(try space.succeed("hl-delta p.hls").text.contains("z.0 - z.1"))
        try space.succeed("\(sample) | hl-perturb --group 0-15:std=0.15 --sweep | hl-view --info")
        for options in ["", "--chunks 0-14", "--group 0-3 --group 4-15", "--sweep"] {
            try space.fail(78, "hl-perturb \(options) <(\(sample))", saying: "--weights to hl-sample")
        }
        try space.fail(64, "hl-perturb --chunks 0-16 <(\(sample))", saying: "out of range")
        try space.fail(78, "hl-view <(\(sample))", saying: "--weights to hl-sample")
    }

    @Test(arguments: [("bigbigan", Networks.bigBiGAN), ("stylegan2", Networks.styleGAN2)])
    func weightsAreRecognised(name: String, file: String) throws {
        let space = try Workspace()
        try space.succeed(
            """
            cp \(file) weights; hl-sample --weights weights -n 2 > a.hls; sha256sum < weights | cut -c -64 > sum
            hl-sample --generator \(name) --weights weights -n 2 > b.hls
            """)
        let generator = try space.generator("a.hls")
        #expect(generator["name"]?.string == name)
        #expect(generator["weights"] == "weights")
        #expect(generator["sha256"]?.string == String(decoding: try space.bytes("sum").prefix(64), as: UTF8.self))
        #expect(try space.generator("b.hls") == generator)
        let other = name == "bigbigan" ? "stylegan2" : "bigbigan"
        let actual = name == "bigbigan" ? "a BigBiGAN network" : "a StyleGAN2 network"
        try space.fail(64, "hl-sample --generator \(other) --weights weights -n 2", saying: actual)
        try space.fail(64, "hl-sample --weights weights --clean -n 2", saying: "--clean")
        try space.fail(64, "hl-sample --weights weights --crop 4000 -n 2", saying: "--crop")
        if name == "bigbigan" { try space.fail(64, "hl-sample --weights weights --psi 0.5 -n 2", saying: "--psi") }
    }

    /// Another file under the name that the header gives is refused, and so is none.
    @Test func otherWeights() throws {
        let space = try Workspace()
        for (file, other) in [(Networks.bigBiGAN, Networks.styleGAN2), (Networks.styleGAN2, Networks.bigBiGAN)] {
            try space.succeed("cp \(file) weights; hl-sample --weights weights -n 2 > s.hls")
            let digest = try #require(try space.generator("s.hls")["sha256"]?.string)
            for change in ["cp \(other) weights", "(cat \(file); echo) > weights"] {
                try space.succeed("\(change); sha256sum < weights | cut -c -64 > sum")
                let found = String(decoding: try space.bytes("sum").prefix(64), as: UTF8.self)
                for command in ["hl-view s.hls", "hl-view --threads 1 s.hls", "hl-perturb --render s.hls"] {
                    let outcome = try space.fail(78, command, saying: digest)
                    #expect(outcome.errors.contains(found) && outcome.output.isEmpty)
                }
            }
            try space.succeed("rm weights")
            try space.fail(66, "hl-view s.hls", saying: "weights are not there")
            try space.succeed("cp \(file) weights; mkdir elsewhere; mv s.hls elsewhere")
            try space.fail(66, "cd elsewhere; hl-view s.hls", saying: "folder where hl-sample ran")
            try space.succeed("rm -r elsewhere weights")
        }
    }

    /// Settings of a header that its weights cannot meet are the stream's fault, not this command line's.
    @Test(arguments: [("crop", 40), ("class", 100_000)]) func settingsThatDoNotFit(_ key: String, _ value: JSONValue)
        throws
    {
        let space = try Workspace()
        try space.succeed("hl-sample --weights \(Networks.bigBiGAN) -n 2 > s.hls")
        var object = try #require(try space.generator("s.hls").object)
        let chunks = Int(try #require(object["chunks"]?.integer))
        let dimension = Int(try #require(object["dimension"]?.integer))
        object[key] = value
        if key == "crop" { object["resolution"] = value }
        try HandMade.stream(
            to: space.file("h.hls"), generator: .object(object),
            ["id": HandMade.ids(2), "z.0": HandMade.floats([2, chunks, dimension])])
        for command in ["hl-view h.hls", "hl-perturb --render h.hls", "hl-sample --from h.hls --render"] {
            try space.fail(78, command, saying: "the stream's generator does not fit its weights")
        }
        try space.fail(64, "hl-sample --weights \(Networks.bigBiGAN) -n 2 --render --\(key) \(value.text)")
    }

    @Test func commandsInStreams() throws {
        let space = try Workspace()
        try space.succeed("hl-sample --generator 'exec:touch ran; cat' --latent-shape 2x3 --size 16 -n 3 > e.hls")
        let generator = try space.generator("e.hls")
        #expect(generator["name"] == "exec" && generator["command"] == "touch ran; cat")
        #expect(try StreamContent(path: space.file("e.hls")).floats("z.0")[1]?.count == 6)
        try space.succeed("hl-perturb e.hls | hl-delta")
        try space.fail(78, "hl-view e.hls", saying: "touch ran")
        try space.fail(78, "hl-sample --from e.hls --render")
        #expect(!space.exists("ran"))
    }

    @Test func invalidHeaders() throws {
        let space = try Workspace()
        let members: [(String, JSONValue)] = [
            ("psi", "much"), ("noise", 3), ("filter", "lanczos"), ("layers", 16), ("sha256", "12"), ("command", "cat"),
            ("crop", 0),
        ]
        for (key, value) in members {
            var object: JSONObject = ["name": "stylegan2", "chunks": 6, "dimension": 20, "resolution": 32]
            object[key] = value
            try HandMade.stream(
                to: space.file("h.hls"), generator: .object(object),
                ["id": HandMade.ids(2), "z.0": HandMade.floats([2, 6, 20])])
            let named = key == "layers" ? "width" : key
            for command in ["hl-view h.hls", "hl-perturb h.hls", "hl-sample --from h.hls"] {
                try space.fail(65, command, saying: "'\(named)'")
            }
        }
    }
}

/// Mapped latents in streams.
struct MappedLatentTests {
    private let header: JSONValue = [
        "name": "stylegan2", "chunks": 1, "dimension": 512, "resolution": 8, "layers": 4, "width": 512,
    ]

    @Test func givenLatents() throws {
        let space = try Workspace()
        let w = HandMade.floats([5, 4, 512]), z = HandMade.floats([5, 512])
        func write(_ name: String, _ tensors: NamedTensors) throws {
            try Safetensors.write(TensorFile(tensors: tensors), to: space.file(name))
        }
        try write("w.safetensors", ["w.0": w])
        try write("both.safetensors", ["w": w, "z": z])
        try write("short.safetensors", ["w": w, "z": z.rows(0..<4)])
        try write("none.safetensors", ["v": z])
        try writeNpy(w, to: space.file("w.npy"))
        let from = "hl-sample --generator stylegan2 --size 8 --from"
        for name in ["w.safetensors", "w.npy", "both.safetensors"] {
            try space.succeed("\(from) \(name) > w.hls; \(from) w.hls > again.hls; hl-sample --from w.hls > same.hls")
            let content = try StreamContent(path: space.file("w.hls"))
            #expect(content.names == (name == "both.safetensors" ? ["id", "w.0", "z.0"] : ["id", "w.0"]))
            for id in 0..<5 { #expect(content.floats("w.0")[Int64(id)] == w.rows(id..<id + 1).floats) }
            #expect(try StreamContent(path: space.file("again.hls")) == content)
            #expect(try StreamContent(path: space.file("same.hls")) == content)
            try space.succeed("\(from) \(name) --shard 1/2 > odd.hls")
            let odd = try StreamContent(path: space.file("odd.hls"))
            #expect(odd.ids == [1, 3] && odd.rows["w.0"]?[3] == content.rows["w.0"]?[3])
        }
        try space.fail(65, "\(from) short.safetensors", saying: "as many of both")
        try space.fail(65, "\(from) none.safetensors", saying: "w.0")
        for options in ["--generator stylegan2 --size 16", "--generator bigbigan", "--generator shapes"] {
            try space.fail(78, "hl-sample \(options) --from w.safetensors")
            try space.fail(78, "hl-sample \(options) --from w.npy")
        }
        try space.succeed("\(from) w.npy > w.hls")
        try space.fail(78, "hl-perturb --chunks 0-3 w.hls", saying: "it is z that is moved")
    }

    /// δ of layers and of groups of them.
    @Test func distancesOfGroups() throws {
        let space = try Workspace()
        let shape = [3, 4, 512]
        let anchors = HostTensor([Float](repeating: 0, count: 3 * 4 * 512), shape: shape)
        // Layer l moves by l in each of 512 values: by 22.627 l in all.
        let positives = HostTensor((0..<3 * 4 * 512).map { Float($0 / 512 % 4) }, shape: shape)
        try HandMade.stream(
            to: space.file("w.hls"), generator: header, ["id": HandMade.ids(3), "w.0": anchors, "w.1": positives])
        try space.succeed("hl-view --info w.hls | grep 'w.1 F32 B x 4 x 512'")
        let text = try space.succeed("hl-delta --group 0-1 --group 2-3 w.hls").text
        #expect(text.contains("w.0 - w.1") && text.contains("layer"))
        let json = try JSONValue(
            parsing: try space.succeed("hl-delta --json --chunks 1-2 --group 0-1 --group 2-3 w.hls").text, name: "json")
        func means(_ key: String) -> [Double] { json[key]?.array?.compactMap { $0["mean"]?.number } ?? [] }
        let step = 512.0.squareRoot()
        #expect(json["latent"] == "w" && means("chunks") == [step, 2 * step])
        let groups = means("groups")
        #expect(groups.count == 2 && abs(groups[0] - step) < 1e-9)
        #expect(groups.count == 2 && abs(groups[1] - 13.0.squareRoot() * step) < 1e-9)
        #expect(json["groups"]?.array?.compactMap { $0["chunks"]?.string } == ["0-1", "2-3"])
        let pair = json["group_pairs"]?.array?.first
        #expect(pair?["p"] == "0-1" && pair?["q"] == "2-3" && pair?["share"] == .number(1))
        #expect(text.contains("0-1 "))
        try space.fail(64, "hl-delta --group 3-4 w.hls", saying: "out of range")
        try space.fail(64, "hl-delta --group 0-1:std=1 w.hls", saying: "0-1:std=1")
    }

    @Test func viewsThatAreThere() throws {
        let space = try Workspace()
        let z = HandMade.floats([2, 1, 512]), w = HandMade.floats([2, 4, 512])
        try HandMade.stream(
            to: space.file("w1.hls"), generator: header, ["id": HandMade.ids(2), "z.0": z, "w.1": w])
        try space.fail(78, "hl-perturb --chunks 0-3 w1.hls", saying: "view 1 already")
        try HandMade.stream(
            to: space.file("wide.hls"), generator: header,
            ["id": HandMade.ids(2), "z.0": z, "w.0": HandMade.floats([2, 5, 512])])
        try space.fail(65, "hl-perturb --chunks 0-3 wide.hls", saying: "w.0")
        try HandMade.walker(to: space.file("small.safetensors"), dimension: 100)
        try HandMade.walker(to: space.file("right.safetensors"), dimension: 512, chunks: "0-3")
        try HandMade.walker(to: space.file("part.safetensors"), dimension: 512, chunks: "2-3")
        let sample = "hl-sample --generator stylegan2 --size 8 -n 3"
        try space.fail(78, "hl-perturb --walker small.safetensors <(\(sample))", saying: "512")
        try space.fail(78, "hl-perturb --walker part.safetensors <(\(sample))", saying: "--weights")
        for options in ["right.safetensors", "part.safetensors --chunks 0-3"] {
            try space.succeed("\(sample) | hl-perturb --walker \(options) > p.hls")
            #expect(try StreamContent(path: space.file("p.hls")).names == ["id", "z.0", "z.1"])
        }
    }

    /// A .npy of version 1.0.
    private func writeNpy(_ tensor: HostTensor, to path: String) throws {
        let shape = tensor.shape.map(String.init).joined(separator: ", ")
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }"
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        bytes += [UInt8(header.utf8.count & 0xFF), UInt8(header.utf8.count >> 8)] + Array(header.utf8)
        bytes += tensor.withUnsafeBytes { [UInt8]($0) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
}

/// Trained networks behind the programs.
struct NetworkTests {
    private func content(_ space: Workspace, _ name: String) throws -> StreamContent {
        try StreamContent(path: space.file(name))
    }

    /// It does not matter which stage renders or maps, nor in which records the samples come.
    @Test(arguments: [Networks.bigBiGAN, Networks.styleGAN2])
    func anyStageRenders(file: String) throws {
        let space = try Workspace()
        try space.succeed("cp \(file) weights")
        let sample = "hl-sample --weights weights -n 21"
        try space.succeed(
            """
            \(sample) --render > sample.hls; \(sample) > latents.hls
            \(sample) | hl-perturb --chunks 1-3 --render > perturb.hls
            \(sample) --render --batch 5 > five.hls
            hl-perturb --chunks 1-3 latents.hls | hl-view --zoom 1 > late.png; hl-view --zoom 1 perturb.hls > early.png
            """)
        let early = try content(space, "sample.hls")
        #expect(early.ids == Array(0..<21))
        #expect(try content(space, "five.hls").rows["x.0"] == early.rows["x.0"])
        let perturbed = try content(space, "perturb.hls")
        #expect(perturbed.rows["x.0"] == early.rows["x.0"])
        #expect(perturbed.rows["x.1"] != perturbed.rows["x.0"])
        #expect(try space.bytes("late.png") == space.bytes("early.png"))
    }

    @Test func layersComeFromTheirGroups() throws {
        let space = try Workspace()
        try space.succeed("cp \(Networks.styleGAN2) weights; hl-sample --weights weights -n 70 --latent w > w.hls")
        let layers = Int(try #require(try space.generator("w.hls")["layers"]?.integer))
        let last = layers - 1
        try space.succeed(
            """
            sample() { hl-sample --weights weights -n 70 "$@"; }
            sample | hl-perturb --group 0:std=0.3 --group \(last):std=0.8 --trunc 1 > groups.hls
            sample --batch 9 --threads 1 | hl-perturb --group 0:std=0.3 --group \(last):std=0.8 --trunc 1 > small.hls
            sample | hl-perturb --chunks 0-\(last) --std 0.3 --trunc 1 > whole.hls
            hl-perturb --chunks 0-\(last) --std 0.3 --trunc 1 w.hls > mapped.hls
            hl-perturb --sweep --chunks 0,\(last) w.hls > sweep.hls
            """)
        let anchors = try content(space, "w.hls"), groups = try content(space, "groups.hls")
        #expect(anchors.names == ["id", "w.0", "z.0"] && groups.names == ["id", "w.0", "w.1", "z.0"])
        #expect(groups.rows["w.0"] == anchors.rows["w.0"])
        #expect(try content(space, "small.hls").rows["w.1"] == groups.rows["w.1"])
        let (before, after) = (groups.floats("w.0"), groups.floats("w.1"))
        for id in groups.ids {
            let (a, b) = (before[id] ?? [], after[id] ?? [])
            let width = a.count / layers
            #expect(a[..<width] != b[..<width] && a[(last * width)...] != b[(last * width)...])
            #expect(a[width..<last * width] == b[width..<last * width])
        }
        let whole = try content(space, "whole.hls"), mapped = try content(space, "mapped.hls")
        #expect(whole.names == ["id", "z.0", "z.1"] && mapped.names == ["id", "w.0", "w.1", "z.0", "z.1"])
        #expect(mapped.rows["z.1"] == whole.rows["z.1"])
        // w.1 of z.1 is rendered as z.1 is.
        let image = "hl-view --zoom 1 --no-captions --rows 4"
        #expect(try space.succeed("\(image) whole.hls").output == space.succeed("\(image) mapped.hls").output)
        #expect(try content(space, "sweep.hls").names == ["id", "w.0", "w.1", "w.2", "z.0"])
        try space.succeed("hl-delta --group 0-\(last) mapped.hls; hl-view sweep.hls > sheet.png")
    }

    /// Positives that are mapped latents alone are the second view of a training.
    @Test func trainsOnMappedViews() throws {
        let space = try Workspace()
        let train = "hl-train -q --width 4 --backend plain --batch 4 -n 8"
        try space.succeed(
            """
            cp \(Networks.styleGAN2) weights; hl-sample --weights weights --size 32 -n 8 > anchors.hls
            hl-perturb --chunks 1-2 anchors.hls | tee pairs.hls | \(train) -o pairs.safetensors
            \(train) anchors.hls -o anchors.safetensors
            hl-perturb --render --backend plain --chunks 1-2 anchors.hls > images.hls
            \(train) images.hls -o images.safetensors
            """)
        #expect(try content(space, "pairs.hls").names == ["id", "w.0", "w.1", "z.0"])
        func weights(_ name: String) throws -> [Float] {
            let file = try Safetensors.read(path: space.file("\(name).safetensors"))
            return try #require(file.tensors["backbone.conv1.weight"]).floats
        }
        #expect(try weights("pairs") != weights("anchors"))
        #expect(try weights("pairs") == weights("images"))
    }

    @Test func cropSizeAndFilter() throws {
        let space = try Workspace()
        try space.succeed("cp \(Networks.bigBiGAN) weights; hl-sample --weights weights -n 3 --render > whole.hls")
        let side = Int(try #require(try space.generator("whole.hls")["resolution"]?.integer))
        let crop = side / 2
        try space.succeed(
            """
            hl-sample --weights weights -n 3 --render --crop \(crop) > cropped.hls
            hl-sample --weights weights -n 3 --render --crop \(crop) --size 11 > small.hls
            hl-sample --weights weights -n 3 --crop \(crop) --size 11 --filter bilinear > bilinear.hls
            """)
        #expect(try space.generator("small.hls")["resolution"] == 11)
        #expect(try space.generator("bilinear.hls")["filter"] == "bilinear")
        let whole = try content(space, "whole.hls"), cropped = try content(space, "cropped.hls")
        for id in whole.ids {
            let (all, part) = (whole.rows["x.0"]?[id] ?? [], cropped.rows["x.0"]?[id] ?? [])
            let margin = (side - crop) / 2
            let expected = (0..<3).flatMap { plane in
                (0..<crop).flatMap { row -> ArraySlice<UInt8> in
                    let start = (plane * side + margin + row) * side + margin
                    return all[start..<start + crop]
                }
            }
            #expect(part == expected)
        }
        #expect(try content(space, "small.hls").rows["x.0"]?[0]?.count == 3 * 11 * 11)
        try space.fail(64, "hl-sample --weights weights --crop \(side + 1) -n 1", saying: "--crop")
    }
}
