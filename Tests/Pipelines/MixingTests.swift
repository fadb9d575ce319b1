import HLFormats
import TestSupport
import Testing

/// hl-train --mix: two streams in a ratio, such as photographs and generated views.
struct MixingTests {
    private static let train = "hl-train -q --width 4 --backend plain --batch 8 -o e.safetensors"
    private static let weights = Programs.tests + "/HLGeneratorsTests/Fixtures/bigbigan_32.safetensors"

    /// Photographs in the part of real images, and views of a network's.
    private func workspace() throws -> Workspace {
        let space = try Workspace()
        try LoadingTests.fill(space)
        try space.succeed(
            """
            hl-sample --data imagefolder:ds --size 32 --shuffle --epochs 10 -n 80 -o real.hls
            hl-sample --weights \(Self.weights) -n 8 | hl-perturb --chunks 1-3 --render -o made.hls
            """)
        return space
    }

    /// With 11 steps of 8 at 10:1, 80 samples of one are enough and 79 are not, and so are 8 of the other, of which the
    /// tenth step takes the last.
    @Test func theRatioIsExact() throws {
        let space = try workspace()
        let mixed = "\(Self.train) --augment adainf -n 88 --mix-ratio 10:1"
        let run = try space.run("\(mixed.replacing(" -q", with: "")) --mix made.hls real.hls")
        #expect(run.status == 0, "\(run.errors)")
        // Each stream is spoken of by its name.
        #expect(
            run.errors.contains("the stream has no positives") && !run.errors.contains("made.hls has no"),
            "\(run.errors)")
        let file = try Safetensors.read(path: space.file("e.safetensors"))
        let training = try JSONValue(parsing: file.metadata["hl.training"] ?? "", name: "hl.training")
        #expect(training["mix_ratio"] == "10:1" && training["augment"] == "adainf")
        // Neither history is lost.
        let history = try JSONValue(parsing: file.metadata["hl.history"] ?? "", name: "hl.history").text
        #expect(history.contains("imagefolder:ds") && history.contains("bigbigan_32") && history.contains("joined"))

        let shorter = "hl-sample --data imagefolder:ds --size 32 --shuffle --epochs 10 -n 79"
        try space.fail(65, "\(shorter) | \(mixed) --mix made.hls", saying: "the stream ended after 80 of 88 pairs")
        try space.succeed("rm e.safetensors.resume; hl-sample --weights \(Self.weights) -n 7 | hl-perturb -o few.hls")
        try space.fail(65, "\(mixed) --mix few.hls real.hls", saying: "few.hls ended after 72 of 88 pairs")
    }

    /// A sample of one stream is not that of the other with the same id: it is augmented otherwise.
    @Test(arguments: [("none", true), ("no-color", false)]) func idsAreApart(set: String, isSame: Bool) throws {
        let space = try workspace()
        try space.succeed("hl-sample --data imagefolder:ds --size 32 -n 4 -o four.hls")
        try space.succeed("cat four.hls four.hls > twice.hls")
        func weights(_ streams: String) throws -> [[UInt8]] {
            try space.succeed("\(Self.train) --augment \(set) -n 8 \(streams)")
            let file = try Safetensors.read(path: space.file("e.safetensors"))
            return file.tensors.map { $0.tensor.withUnsafeBytes { [UInt8]($0) } }
        }
        // The same images in the same places of the one batch.
        #expect(try (weights("twice.hls") == weights("--mix four.hls four.hls")) == isSame)
    }

    @Test func stoppedAndResumed() throws {
        let space = try workspace()
        let train = "\(Self.train) -n 160 --checkpoint-every 0 --mix-ratio 3:2"
        func mixed(_ seed: Int) -> String { "--mix <(hl-sample --size 32 --seed \(seed) | hl-perturb)" }
        try space.succeed(
            """
            hl-sample --data imagefolder:ds --size 32 --shuffle --epochs 20 > all.hls
            head -c $(( $(stat -c %s all.hls) / 4 )) all.hls > part
            \(train) \(mixed(4)) < all.hls
            """)
        let whole = try space.bytes("e.safetensors")
        try space.succeed("rm e.safetensors")
        try space.fail(65, "\(train) \(mixed(4)) < part", saying: "--resume goes on from e.safetensors.resume")
        // Another second stream, another ratio, and none.
        let alone = train.replacing(" --mix-ratio 3:2", with: "")
        for (command, other) in [(train, mixed(5)), ("\(train) --mix-ratio 2:3", mixed(4)), (alone, "")] {
            try space.fail(78, "\(command) --resume \(other) < all.hls")
        }
        try space.succeed("\(train) --resume \(mixed(4)) < all.hls")
        #expect(try space.bytes("e.safetensors") == whole)
    }

    @Test func whatCannotBeMixed() throws {
        let space = try workspace()
        let train = "\(Self.train) -n 8"
        for (options, part) in [
            ("--mix-ratio 10:1 real.hls", "--mix-ratio is for --mix"), ("--mix - < real.hls", "both streams"),
            ("--mix made.hls --mix-ratio 10 real.hls", "10"), ("--mix made.hls --epochs 2 real.hls", "--epochs"),
        ] {
            try space.fail(64, "\(train) \(options)", saying: part)
        }
        try space.fail(66, "\(train) --mix none.hls real.hls", saying: "none.hls")
        try space.fail(78, "\(train) --mix made.hls <(hl-sample --size 64)", saying: "U8 64 x 64 and U8 32 x 32")
        try space.succeed("hl-sample --data imagefolder:ds --size 36 --random-resized-crop image -o crops.hls")
        try space.fail(78, "\(train) --mix made.hls crops.hls", saying: "cropped differently")
        try space.fail(
            65, "\(train) --method supervised --classes 2 --mix made.hls real.hls", saying: "no y (labels)")
    }

    /// What has learnt from a generator that has seen labels says so, and so do the reports on it.
    @Test func labelsThatAGeneratorHasSeen() throws {
        let space = try workspace()
        try space.succeed(
            """
            hl-sample --clean --size 32 | hl-train generator -q --width 4 --chunk-size 10 --batch 4 --content cells -n 4 \\
              --no-double-batch -o g.safetensors
            hl-sample --weights g.safetensors | hl-perturb --chunks 1-3 | \(Self.train) --mix - -n 16 real.hls
            hl-encode -q --encoder e.safetensors real.hls -o real-e.hls
            """)
        let file = try Safetensors.read(path: space.file("e.safetensors"))
        let description = try JSONValue(parsing: file.metadata["hl.encoder"] ?? "", name: "hl.encoder")
        #expect(description["supervision"] == "labels that its generator has seen")
        let words = "trained with labels that its generator has seen"
        #expect(try space.succeed("hl-metrics -q --metrics uniformity real-e.hls").text.contains(words))
        #expect(
            try space.succeed("hl-sample --weights g.safetensors -n 9 | hl-perturb | hl-delta -q").text
                .contains("the generator was trained with labels"))
        try space.succeed("\(Self.train) -n 8 --mix made.hls real.hls")
        let plain = try Safetensors.read(path: space.file("e.safetensors")).metadata["hl.encoder"] ?? ""
        #expect(!plain.contains("supervision"))
    }
}
