import Foundation
import Glibc
import HLFormats
import HLTensor
import TestSupport
import Testing

/// hl-train walker, from anchors to a walker that hl-perturb takes.
struct WalkerTrainingTests {
    private static let small = "--width 8 --batch 8 --rate-factor 10"
    private static let sample = "hl-sample --size 32 --seed 3"
    private static let settings = "\(small) --chunks 1,3 -n 240 --every 96 --checkpoint-every 0 -o w.safetensors"

    private static func network(_ name: String) -> String {
        Programs.tests + "/HLGeneratorsTests/Fixtures/\(name)"
    }

    private func log(_ space: Workspace, _ name: String) throws -> [JSONValue] {
        try String(decoding: space.bytes(name), as: UTF8.self).split(separator: "\n").map {
            try JSONValue(parsing: String($0), name: name)
        }
    }

    @Test func trainsAndPerturbs() throws {
        let space = try Workspace()
        try space.succeed("\(Self.sample) | hl-train walker -q \(Self.settings) --log w.log")
        #expect(try space.names() == ["w.checkpoints", "w.log", "w.safetensors"])
        let kept = try FileManager.default.contentsOfDirectory(atPath: space.file("w.checkpoints")).sorted()
        #expect(kept == ["000000096", "000000192", "000000240"].flatMap { ["\($0).png", "\($0).safetensors"] })

        let entries = try log(space, "w.log")
        #expect(entries.compactMap { $0["samples"]?.integer } == [8, 88, 168, 240])
        let delta = entries.last?["delta_mean"]?.array?.compactMap { $0.number } ?? []
        #expect(delta.count == 2 && delta.allSatisfy { $0 > 0.01 })
        for entry in entries {
            for key in ["loss", "walker_loss", "image_change"] { #expect((entry[key]?.number ?? 0) > 0) }
        }

        let file = try Safetensors.read(path: space.file("w.safetensors"))
        #expect(file.metadata["hl.kind"] == "walker")
        let description = try JSONValue(parsing: file.metadata["hl.walker"] ?? "", name: "hl.walker")
        #expect(description["chunks"] == "1,3" && description["space"] == "z" && description["samples"] == 240)
        #expect(file.tensors["walker.2.weight"]?.shape == [40, 40])

        // It moves the chunks that it was trained on, about as far as at the end of its training.
        try space.succeed("\(Self.sample) -n 500 | hl-perturb --walker w.safetensors | hl-delta --json > delta.json")
        let report = try JSONValue(
            parsing: String(decoding: space.bytes("delta.json"), as: UTF8.self), name: "delta.json")
        let means = report["chunks"]?.array?.compactMap { $0["mean"]?.number } ?? []
        #expect(means.map { $0 > 0 } == [false, true, false, true, false, false])
        for (chunk, mean) in zip([1, 3], delta) { #expect(abs(means[chunk] - mean) < 0.3 * mean) }

        let again = try space.run("\(Self.sample) | hl-train walker \(Self.settings)")
        #expect(again.status == 0 && again.errors.contains("w.checkpoints holds checkpoints of an earlier run"))
    }

    @Test func stopsWhereTheLossIsBack() throws {
        let space = try Workspace()
        let settings = "--batch 64 --chunks 4 --width 8 --rate-factor 5"
        let back = try space.run(
            "\(Self.sample) | hl-train walker \(settings) --stop-loss 1.5 -n 20480 --every 40960 --log w.log")
        #expect(back.status == 0 && !back.errors.contains("warning"), "\(back.errors)")
        let losses = try log(space, "w.log").compactMap { $0["average_loss"]?.number }
        #expect((losses.last ?? 0) >= 1.5 && losses.contains { $0 < 0.9 * 1.5 })

        let never = try space.run(
            "\(Self.sample) | hl-train walker \(settings) --stop-loss 0.01 -n 2048 -o never.safetensors")
        #expect(never.status == 0 && space.exists("never.safetensors"))
        #expect(never.errors.contains("warning: the loss has not fallen below 0.01 within 2048 anchors"))
    }

    @Test(arguments: [("bigbigan_tiny.pth", "1-2"), ("stylegan2_a.pkl", "1-2"), ("stylegan2_a.pkl", "0-5")])
    func networks(_ weights: String, _ chunks: String) throws {
        let space = try Workspace()
        let sample = "hl-sample --weights \(Self.network(weights))"
        try space.succeed(
            """
            \(sample) | hl-train walker -q --width 8 --batch 8 --rate-factor 10 --chunks \(chunks) -n 80
            \(sample) -n 40 | hl-perturb --walker walker.safetensors | hl-delta | grep -q 40
            """)
        let file = try Safetensors.read(path: space.file("walker.safetensors"))
        #expect(file.metadata["hl.generator"]?.contains("sha256") == true)
    }

    // MARK: Stopping

    @Test func aStoppedRunEndsLikeOneThatWasNot() throws {
        let whole = try Workspace(), space = try Workspace()
        let settings = Self.settings.replacing("-n 240", with: "-n 960") + " --stop-loss 0.001 --log w.log"
        let sample = "\(Self.sample) --batch 4"
        let train = "hl-train walker \(settings)", resumed = "hl-train walker --resume \(settings)"
        #expect(try whole.run("\(train) < <(\(sample))").status == 0)
        for (number, (signal, samples)) in [(SIGKILL, 240), (SIGTERM, 480), (SIGKILL, 720)].enumerated() {
            let stream = try space.stalling(sample, after: samples)
            let before = space.identity("w.safetensors.resume")
            let child = try space.start("exec \(number == 0 ? train : resumed) < <(\(stream))")
            let isThere = try child.until {
                if child.poll() != nil { return false }
                let now = space.identity("w.safetensors.resume")
                return now != nil && now != before ? true : nil
            }
            #expect(isThere)
            child.signal(signal)
            #expect(try child.wait() == 128 + signal)
            #expect(!space.exists("w.safetensors"))
        }
        let end = try space.run("\(resumed) < <(\(sample))")
        #expect(end.status == 0 && end.errors.contains("resuming after"), "\(end.errors)")
        #expect(try space.bytes("w.safetensors") == whole.bytes("w.safetensors"))
        // Every step once, also those that were done twice.
        #expect(try space.bytes("w.log") == whole.bytes("w.log"))
        #expect(!space.exists("w.safetensors.resume"))
        // Other settings, or another stream.
        try space.fail(65, "\(Self.sample) -n 20 | hl-train walker -q \(settings)", saying: "after 16 of 960 anchors")
        let resume = "hl-train walker -q --resume \(settings)"
        try space.fail(78, "\(Self.sample) | \(resume) --temperature 0.2", saying: "other settings")
        try space.fail(78, "hl-sample --size 32 --seed 4 | \(resume)", saying: "not the stream")
        // Fewer anchors than it has seen; as many write the walker as it is.
        try space.fail(
            78, "\(Self.sample) -n 20 | \(resume) -n 8",
            saying: "has seen 16 anchors, and is to stop after 8: give -n from 16")
        try space.succeed("\(Self.sample) -n 20 | \(resume) -n 16")
    }

    // MARK: Divergence

    /// The losses of the last step are those of the weights before it: a walker that is lost in the end shows in its
    /// weights alone.
    @Test func aWalkerThatIsLostIsNotWritten() throws {
        let space = try Workspace()
        let train = "\(Self.sample) | hl-train walker -q --width 4 --batch 8 --learning-rate 3e38"
        try space.fail(65, "\(train) -n 8 -o w.safetensors", saying: "w.safetensors is not written")
        #expect(!space.exists("w.safetensors"))
        // Neither its checkpoints, of which the last good one stays.
        try space.succeed("echo kept > v.safetensors.resume")
        try space.fail(
            65, "\(train) --force -n 64 --checkpoint-every 0 -o v.safetensors",
            saying: "after step 1")
        #expect(try space.bytes("v.safetensors.resume") == Array("kept\n".utf8))
        #expect(try space.names().filter { $0.hasSuffix(".tmp") }.isEmpty)
    }

    // MARK: Bad input

    @Test func refusals() throws {
        let space = try Workspace()
        let train = "hl-train walker -q \(Self.small)"
        try space.fail(64, "\(Self.sample) | \(train) --chunks 6", saying: "chunk 6 is out of range")
        try space.fail(64, "\(Self.sample) | \(train) --chunks 1-", saying: "chunks '1-'")
        try space.fail(64, "\(train) --stop-loss 0 in.hls", saying: "--stop-loss")
        try space.fail(64, "\(train) --rate-factor nan in.hls")
        for (rate, factor, product) in [("3e38", "2", "inf"), ("1e-30", "1e-30", "0.0")] {
            try space.fail(
                64,
                "\(Self.sample) | hl-train walker -q --batch 8 --width 8 --learning-rate \(rate) --rate-factor \(factor)",
                saying: "is \(product): give another --rate-factor")
        }
        try space.fail(64, "\(train) -n 7 in.hls", saying: "7 anchors")
        try space.fail(66, "\(train) in.hls")
        try space.fail(73, "\(Self.sample) | \(train) --checkpoints no/such/folder", saying: "no/such/folder")
        try space.fail(
            78, "hl-sample --generator exec:true --latent-shape 6x20 --size 32 | \(train)", saying: "no gradients")
        try space.fail(65, "\(Self.sample) -n 5 | \(train)", saying: "no 8 anchors")
        let images: NamedTensors = ["id": HandMade.ids(9), "x.0": HandMade.floats([9, 3, 32, 32])]
        try HandMade.stream(to: space.file("images.hls"), generator: nil, data: ["name": "photos"], images)
        try space.fail(78, "\(train) images.hls", saying: "no generator")

        var z = HandMade.floats([16, 6, 20]).floats
        z[11 * 120 + 7] = .nan
        let latents = HostTensor(z, shape: [16, 6, 20])
        try HandMade.stream(to: space.file("nan.hls"), ["id": HandMade.ids(16), "z.0": latents])
        try space.fail(65, "\(train) -o nan.safetensors nan.hls", saying: "sample 11 holds a NaN")
        #expect(!space.exists("nan.safetensors"))
        try HandMade.stream(
            to: space.file("other.hls"), ["id": HandMade.ids(16), "z.0": HandMade.floats([16, 5, 20])])
        try space.fail(65, "\(train) other.hls", saying: "5 chunks")
    }
}

/// hl-perturb with several walkers.
struct WalkedViewsTests {
    @Test func severalWalkers() throws {
        let space = try Workspace()
        try HandMade.walker(to: space.file("one.safetensors"), dimension: 20, chunks: "1")
        try HandMade.walker(to: space.file("two.safetensors"), dimension: 40, chunks: "3-4")
        try HandMade.walker(to: space.file("free.safetensors"), dimension: 20)
        let sample = "hl-sample -n 200"
        func moved(_ options: String, view: Int = 1) throws -> String {
            try space.succeed("\(sample) | hl-perturb \(options) | hl-delta --view \(view) --json > delta.json")
            let report = try JSONValue(parsing: String(decoding: space.bytes("delta.json"), as: UTF8.self), name: "")
            return (report["chunks"]?.array ?? []).map { ($0["mean"]?.number ?? 0) > 0 ? "x" : "." }.joined()
        }
        let own = "--walker one.safetensors --walker two.safetensors"
        #expect(try moved(own) == ".x.xx.")
        #expect(try moved("\(own) --walker free.safetensors:5 --group 0:std=0.1") == "xx.xxx")
        #expect(try moved("--walker free.safetensors --chunks 2") == "..x...")
        for (view, chunks) in ["x.....", ".x....", "...xx."].enumerated() {
            #expect(try moved("\(own) --group 0 --sweep", view: view + 1) == chunks)
        }
        #expect(try moved("\(own) --group 0 --views 2", view: 2) == "xx.xx.")
        // A row of a table names all that moved something.
        for (options, names) in [
            (own, "one.safetensors, two.safetensors"), ("\(own) --group 0", "noise, one.safetensors, two.safetensors"),
            ("--walker one.safetensors", "one.safetensors"), ("--chunks 2", "noise"),
        ] {
            let row = try space.succeed("\(sample) | hl-perturb \(options) | hl-delta --table").text
            #expect(row.hasSuffix(" 200  \(names)\n"), "\(row)")
        }

        let perturb = "\(sample) | hl-perturb"
        for (options, part) in [
            ("\(own) --chunks 1", "FILE:CHUNKS"), ("\(own) --views 2", "--group"), ("\(own) --std 1", "--group"),
            ("\(own) --group 1-2", "one.safetensors"),
            ("--walker two.safetensors:3-4 --walker two.safetensors", "two.safetensors"),
            ("--walker free.safetensors:1 --chunks 1", "give one of them"), ("--walker one.safetensors:6", "chunk 6"),
        ] {
            try space.fail(64, "\(perturb) \(options)", saying: part)
        }
        try space.fail(66, "\(perturb) --walker none.safetensors:1", saying: "none.safetensors")
        try space.fail(78, "\(perturb) --walker free.safetensors", saying: "choose its 1 chunks")
        try HandMade.walker(
            to: space.file("foreign.safetensors"), dimension: 20, chunks: "1",
            generator: ["name": "bigbigan", "chunks": 6, "dimension": 20, "resolution": 128, "latent": "z"])
        try space.fail(78, "\(perturb) --walker foreign.safetensors", saying: "was trained on bigbigan")
    }
}
