import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// Train and test sets that share samples are noticed however they were made, and classes are matched by what they are.
struct IdentityTests {
    private static let encode = "hl-encode --untrained --width 4 --side 32 --backend plain"
    private static let probe = "hl-probe --epochs 20 --learning-rate 1 --seeds 1 -k 1 --backend plain"

    /// Seed 2 is in both, behind seed 1 in one of them, wherever the two were joined.
    @Test(arguments: [
        "cat 1.hls 2.hls | \(encode)", "cat <(\(encode) 1.hls) <(\(encode) 2.hls)",
        "cat 1.hls 2.hls | hl-perturb | \(encode)",
        "cat 1.hls 2.hls | hl-sample --from - | \(encode)", "cat 1.hls <(hl-sample --from 2.hls --seed 9) | \(encode)",
    ])
    func joinedStreamsHideNoSeed(pipe: String) throws {
        let space = try Workspace()
        try space.succeed(
            """
            for seed in 1 2; do hl-sample -n 6 --size 32 --seed $seed -o $seed.hls; \(Self.encode) $seed.hls -o e$seed.hls; done
            hl-sample -n 6 --size 32 --seed 3 | \(Self.encode) -o e3.hls
            \(pipe) > both.hls
            """)
        try space.fail(78, "\(Self.probe) --train both.hls --test e2.hls", saying: "share 6 samples, such as id 0")
        try space.fail(78, "\(Self.probe) --train e2.hls --test both.hls", saying: "share 6 samples, such as id 0")
        try space.fail(78, "\(Self.probe) --train both.hls --test e1.hls", saying: "share 6 samples")
        try space.succeed("\(Self.probe) -q --train both.hls --test e3.hls")
    }

    @Test func joinedEmbeddingsAreOfOneEncoder() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 6 --size 32 --seed 1 | \(Self.encode) -o 1.hls
            hl-sample -n 6 --size 32 --seed 2 | \(Self.encode) --seed 7 -o 2.hls
            hl-sample -n 6 --size 32 --seed 3 | \(Self.encode) -o 3.hls; cat 1.hls 2.hls > both.hls
            """)
        try space.fail(
            78, "\(Self.probe) --train both.hls --test 3.hls", saying: "train set joins embeddings of 2 encoders")
        try space.fail(78, "\(Self.probe) --train 3.hls --test both.hls", saying: "test set joins")
    }

    /// A history that nobody wrote down cannot be asked for.
    @Test func whatIsTrainedKeepsEveryHistory() throws {
        let space = try Workspace()
        try space.succeed(
            """
            hl-sample -n 6 --size 32 --seed 1 -o 1.hls; hl-sample -n 6 --size 32 --seed 2 -o 2.hls
            cat 1.hls 2.hls | hl-perturb | hl-train -q --width 4 --backend plain --batch 4 -n 12 -o pipe.safetensors
            cat 1.hls 2.hls > both.hls
            hl-train -q --width 4 --backend plain --batch 4 --epochs 2 both.hls -o file.safetensors
            hl-train discriminator -q --width 4 --backend plain --held-out 2 --batch 2 -n 2 --real 1.hls 2.hls -o d.safetensors
            """)
        for name in ["pipe", "file", "d"] {
            let text = try #require(
                try Safetensors.read(path: space.file("\(name).safetensors")).metadata["hl.history"])
            let history = try #require(try JSONValue(parsing: text, name: name).array)
            let joined = try #require(history[0]["joined"]?.array, "\(name)")
            #expect(Set(joined.compactMap { $0.array?.first?["seed"]?.integer }) == [1, 2], "\(name)")
            #expect(history.count == 2 && history[1]["tool"]?.string?.hasPrefix("hl-train") == true, "\(name)")
        }
    }

    /// A run on joined streams knows them again, and does not take another second stream for the one that it has seen.
    @Test func resumingKnowsTheSecondStream() throws {
        let space = try Workspace()
        try space.succeed("for s in 1 2 3; do hl-sample -n 4 --size 32 --seed $s | hl-perturb -o $s.hls; done")
        let train = "hl-train -q --width 4 --backend plain --batch 4 -n 12"
        try space.fail(65, "cat 1.hls 2.hls | \(train)")
        try space.fail(78, "cat 1.hls 3.hls 2.hls | \(train) --resume", saying: "not the stream")
        try space.succeed("cat 1.hls 2.hls 3.hls | \(train) --resume; mv encoder.safetensors resumed.safetensors")
        try space.succeed("cat 1.hls 2.hls 3.hls | \(train); cmp encoder.safetensors resumed.safetensors")
    }

    /// Images that differ from folder to folder, so that a copy is known by them.
    private func photographs(_ space: Workspace) throws {
        for (number, name) in ["train/bird", "train/fish", "test/bird", "test/fish"].enumerated() {
            try FileManager.default.createDirectory(
                atPath: space.file("ds/\(name)"), withIntermediateDirectories: true)
            for index in 0..<3 {
                let image = Image(width: 32, height: 32) { pixels in
                    for place in pixels.indices { pixels[place] = UInt8((place * (number + 2) + 7 * index) % 251) }
                }
                try image.writePNG(to: space.file("ds/\(name)/\(index).png"))
            }
        }
    }

    @Test(arguments: [
        "imagefolder:./ds --split train", "imagefolder:ds/ --split train", "imagefolder:ds/train",
        "imagefolder:$PWD/ds --split train",
        "imagefolder:ds/../ds/train/", "imagefolder:link --split train", "imagefolder:copy",
        "imagefolder:ds --split train --shuffle",
    ])
    func aFolderIsKnownUnderEverySpelling(place: String) throws {
        let space = try Workspace()
        try photographs(space)
        let read = "hl-sample --size 32 --data"
        try space.succeed(
            """
            ln -s ds link; cp -r ds/train copy
            \(read) imagefolder:ds --split train -o a.hls; \(read) \(place) -o b.hls
            \(read) imagefolder:ds --split test -o c.hls
            """)
        let untrained = "\(Self.probe) --untrained --width 4 --side 32 --passes 0"
        try space.fail(
            78, "\(untrained) --train a.hls --test b.hls",
            saying: "share 6 samples, such as id 0: read the test set from")
        try space.succeed("\(untrained) -q --train b.hls --test c.hls")
    }

    /// Streams of earlier releases and of other programs have no fingerprint.
    @Test func placesWithoutAFingerprint() throws {
        let space = try Workspace()
        try FileManager.default.createDirectory(atPath: space.file("ds/train"), withIntermediateDirectories: true)
        let labels = HostTensor([Int64(0), 1, 0, 1], shape: [4])
        func make(_ name: String, _ data: JSONValue?, _ first: Float) throws {
            let values = (0..<8).map { first + Float($0 % 5) }
            try HandMade.stream(
                to: space.file(name), generator: nil, data: data,
                ["id": HandMade.ids(4), "y": labels, "e.0": HostTensor(values, shape: [4, 2])])
        }
        let kind = JSONValue.string("imagefolder")
        try make("a.hls", ["kind": kind, "directory": "ds", "split": "train"], 0)
        try make("b.hls", ["kind": kind, "directory": "./ds/train/"], 10)
        try make("c.hls", ["kind": kind, "directory": "ds", "split": "test"], 10)
        try make("d.hls", ["name": "mine", "part": "one"], 0)
        try make("e.hls", ["name": "mine", "part": "two"], 10)
        try make("f.hls", nil, 0)
        try make("g.hls", nil, 10)
        func pair(_ a: String, _ b: String) -> String { "\(Self.probe) --train \(a).hls --test \(b).hls" }
        try space.fail(78, pair("a", "b"), saying: "share 4 samples")
        try space.succeed(pair("a", "c"))
        try space.fail(78, pair("d", "d"), saying: "share 4 samples")
        try space.succeed(pair("d", "e"))
        // Nobody can tell; a seed would be no help.
        let unknown = try space.fail(78, pair("f", "g"), saying: "no header says where the samples come from")
        #expect(unknown.errors.contains("hl.data") && !unknown.errors.contains("--seed"))
        try space.succeed(pair("f", "e"))
    }

    @Test func givenLatentsAreKnownByWhatTheyAre() throws {
        let space = try Workspace()
        let z = HostTensor((0..<720).map { Float($0 % 31) / 16 - 1 }, shape: [6, 120])
        try Safetensors.write(TensorFile(tensors: ["z": z]), to: space.file("z.safetensors"))
        try Safetensors.write(
            TensorFile(tensors: ["z": HostTensor(z.floats.map { -$0 }, shape: z.shape)]),
            to: space.file("other.safetensors"))
        try space.succeed(
            """
            cp z.safetensors copy.safetensors
            for name in z copy other; do hl-sample --from $name.safetensors --size 32 | \(Self.encode) -o $name.hls; done
            hl-sample --from ./z.safetensors --size 32 | \(Self.encode) -o again.hls
            """)
        for name in ["copy", "again"] {
            try space.fail(78, "\(Self.probe) --train z.hls --test \(name).hls", saying: "share 6 samples")
        }
        let apart = try space.run("\(Self.probe) --train z.hls --test other.hls")
        #expect(!apart.errors.contains("share"))
    }

    /// The same pictures under other ids and names are no shared samples, and are said.
    @Test func copiesAreCounted() throws {
        let space = try Workspace()
        try photographs(space)
        try space.succeed(
            """
            mkdir -p more/bird more/fish; cp ds/train/bird/1.png more/bird/new.png; cp ds/test/fish/*.png more/fish
            for place in ds/train more; do hl-sample --size 32 --data imagefolder:$place -o ${place#*/}.hls; done
            """)
        let outcome = try space.run(
            "\(Self.probe) --untrained --width 4 --side 32 --passes 0 --train train.hls --test more.hls")
        #expect(outcome.status == 0)
        #expect(
            outcome.errors
                == "hl-probe: warning: 1 of 4 test samples have the same image as a train sample, such as id 0 and "
                + "id 1: copies make accuracies too high\n")
    }

    // MARK: Classes

    /// Embeddings that say the class: `classes[y]` is a number from 0 to 9.
    private func make(_ space: Workspace, _ name: String, _ labels: [Int64], means: [Int], names: JSONValue?) throws {
        var data: JSONObject = ["name": .string(name)]
        data["classes"] = names
        let values = labels.enumerated().flatMap { index, label -> [Float] in
            (0..<10).map { ($0 == means[Int(label)] ? 1 : 0) + Float(index % 3) / 100 }
        }
        try HandMade.stream(
            to: space.file("\(name).hls"), generator: nil, data: .object(data),
            [
                "id": HandMade.ids(labels.count), "y": HostTensor(labels, shape: [labels.count]),
                "e.0": HostTensor(values, shape: [labels.count, 10]),
            ])
    }

    @Test func classesAreMatchedByName() throws {
        let space = try Workspace()
        let labels = (0..<30).map { Int64($0 % 3) }
        try make(space, "train", labels, means: [7, 2, 5], names: ["apple", "lime", "plum"])
        // A folder that lacks the first class, and one that has others between.
        try make(space, "fewer", (0..<20).map { Int64($0 % 2) }, means: [2, 5], names: ["lime", "plum"])
        try make(space, "more", labels, means: [7, 1, 2], names: ["apple", "kiwi", "lime"])
        func top1(_ test: String) throws -> (linear: Double?, warnings: String) {
            let outcome = try space.run("\(Self.probe) --train train.hls --test \(test).hls --json")
            #expect(outcome.status == 0, "\(outcome.errors)")
            let report = try JSONValue(parsing: outcome.text, name: "report")
            #expect(report["linear"]?["top1"]?["mean"]?.number == report["knn"]?["top1"]?.number)
            return (report["linear"]?["top1"]?["mean"]?.number, outcome.errors)
        }
        let fewer = try top1("fewer")
        #expect(fewer.linear == 100 && !fewer.warnings.contains("lacks"))
        let more = try top1("more")
        #expect(abs(try #require(more.linear) - 200 / 3) < 0.01)
        #expect(more.warnings.contains("the train set lacks 1 class of the test set, such as kiwi"))
    }

    @Test func classesThatCannotBeMatchedAreRefused() throws {
        let space = try Workspace()
        let labels = (0..<8).map { Int64($0 % 2) }
        try make(space, "named", labels, means: [0, 1], names: ["ape", "bee"])
        try make(space, "bare", labels, means: [0, 1], names: nil)
        try make(space, "plain", labels, means: [0, 1], names: nil)
        try make(space, "short", labels, means: [0, 1], names: ["ape"])
        try make(space, "twice", labels, means: [0, 1], names: ["ape", "ape"])
        try make(space, "foreign", labels, means: [0, 1], names: ["cat", "dog"])
        func pair(_ a: String, _ b: String) -> String { "\(Self.probe) -q --train \(a).hls --test \(b).hls" }
        try space.fail(78, pair("named", "bare"), saying: "that of the test set does not")
        try space.fail(78, pair("bare", "named"), saying: "that of the train set does not")
        try space.fail(65, pair("named", "short"), saying: "has the label 1, and its header names 1 class")
        try space.fail(78, pair("named", "twice"), saying: "have one name")
        try space.fail(78, pair("named", "foreign"), saying: "no class in common")
        try space.succeed(pair("bare", "plain"))
    }
}
