import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// Images from disks and from other programs, in everything that takes images.
struct ImageInputTests {
    private static let takers = [
        "hl-view a.hls", "hl-encode --untrained --width 4 --side 8 --backend plain a.hls",
        "hl-train -q --force --width 4 --backend plain --batch 2 -n 4 a.hls",
        "hl-probe --train a.hls --test b.hls --untrained --width 4",
        "hl-probe --train b.hls --test a.hls --untrained --width 4",
        "hl-train discriminator -q --width 4 --held-out 1 --batch 2 -n 2 --real a.hls b.hls",
        "hl-train discriminator -q --width 4 --held-out 1 --batch 2 -n 2 --real b.hls a.hls",
        "hl-filter -q --discriminator d a.hls",
    ]

    private func make(
        _ space: Workspace, _ name: String, _ value: Float, generator: JSONValue? = nil, data: JSONValue? = nil
    ) throws {
        // The third sample is the one.
        let values: [Float] = (0..<768).map { index in index / 192 == 2 ? value : Float(index % 97) / 97 }
        let positives: [Float] = values.map { pixel in pixel >= 0 && pixel <= 1 ? 1 - pixel : 0 }
        let images = HostTensor(values, shape: [4, 3, 8, 8])
        try HandMade.stream(
            to: space.file(name), generator: generator, data: data,
            [
                "id": HandMade.ids(4), "y": HostTensor([Int64(0), 1, 0, 1], shape: [4]), "x.0": images,
                "x.1": HostTensor(positives, shape: [4, 3, 8, 8]),
            ])
    }

    @Test(arguments: takers) func attachedImagesAreWhatTheStreamPromises(command: String) throws {
        let space = try Workspace()
        try make(space, "b.hls", 0.5, data: ["name": "b"])
        try make(space, "a.hls", 0.5, data: ["name": "a"])
        try space.succeed("hl-train discriminator -q --width 4 --held-out 1 --batch 2 -n 2 --real a.hls b.hls -o d")
        for (value, saying) in [
            (Float(-1.5), "x.0 of sample 2 has a pixel of -1.5, where F32 goes from 0 to 1: undo"),
            (255, "a pixel of 255.0, where F32 goes from 0 to 1: divide"), (.nan, "a pixel of nan"),
        ] {
            try make(space, "a.hls", value, data: ["name": "a"])
            let outcome = try space.fail(65, command, saying: saying)
            #expect(!StreamContent.isWhole(outcome.output))
        }
    }

    /// A generator that nobody here knows has made the images.
    @Test(arguments: takers) func imagesThatAreThereNeedNoGenerator(command: String) throws {
        let space = try Workspace()
        try make(space, "b.hls", 0.5, data: ["name": "b"])
        try make(space, "a.hls", 0.25, generator: ["name": "mygan"])
        try space.succeed("hl-train discriminator -q --width 4 --held-out 1 --batch 2 -n 2 --real b.hls a.hls -o d")
        let outcome = try space.run(command.replacing("hl-probe", with: "hl-probe -q --epochs 1 -k 1"))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(!outcome.output.isEmpty || command.contains("hl-train"))
        // Where there is something to render, it is asked for.
        try HandMade.stream(
            to: space.file("z.hls"), generator: ["name": "mygan"],
            ["id": HandMade.ids(4), "z.0": HandMade.floats([4, 6, 20]), "z.1": HandMade.floats([4, 6, 20])])
        try space.fail(78, "hl-view z.hls", saying: "'mygan' is not known to this version")
        try space.succeed("hl-delta z.hls")
    }

    /// A shard is not the beginning of the file.
    @Test func aNaNIsReportedUnderItsId() throws {
        let space = try Workspace()
        var values = [Float](repeating: 0.5, count: 12 * 120)
        values[7 * 120 + 3] = .nan
        try Safetensors.write(
            TensorFile(tensors: ["z": HostTensor(values, shape: [12, 120])]), to: space.file("z.safetensors"))
        for shard in ["0/1", "1/2", "1/3", "3/4"] {
            try space.fail(
                65, "hl-sample --from z.safetensors --shard \(shard)", saying: "latent 7 of z.safetensors holds")
        }
        try space.fail(65, "hl-sample --from z.safetensors --start 6 -n 3", saying: "latent 7 of")
        try space.succeed("hl-sample --from z.safetensors --shard 0/2 > even.hls")
        // A stream has ids of its own.
        try HandMade.stream(
            to: space.file("z.hls"),
            [
                "id": HostTensor((0..<Int64(12)).map { 100 + 10 * $0 }, shape: [12]),
                "z.0": HostTensor(values, shape: [12, 6, 20]),
            ])
        for shard in ["0/1", "1/2", "1/3"] {
            try space.fail(65, "hl-sample --from z.hls --shard \(shard)", saying: "latent 170 of z.hls holds")
        }
    }

    // MARK: Folders

    private func fill(_ space: Workspace, _ names: [String]) throws {
        for (number, name) in names.enumerated() {
            let path = space.file("ds/\(name)")
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
            try Image(width: 8, height: 8, grey: UInt8(number + 1)).writePNG(to: path)
        }
    }

    private func classes(_ space: Workspace) throws -> JSONValue? {
        try StreamReader(path: space.file("a.hls")).header.data?["classes"]
    }

    @Test func whatAFolderLeavesOutIsSaid() throws {
        let space = try Workspace()
        try fill(space, ["ape/1.png", "ape/deep/2.png", "bee/3.png"])
        try space.succeed("touch ds/bee/{4.bmp,5.gif}; ln -s nowhere ds/bee/6.jpg; mkdir ds/cow")
        try space.fail(66, "hl-sample --data imagefolder:ds --size 8", saying: "give --allow-empty")
        let outcome = try space.run("hl-sample --data imagefolder:ds --size 8 --allow-empty -o a.hls")
        #expect(outcome.status == 0)
        #expect(
            outcome.errors
                == "hl-sample: warning: imagefolder:ds leaves out 2 pictures of formats that are not read (such as "
                + "ds/bee/4.bmp), 1 link that leads nowhere (ds/bee/6.jpg) and 1 class without images (ds/cow)\n")
        #expect(try StreamContent(path: space.file("a.hls")).ids == [0, 1, 2])
        #expect(try classes(space) == ["ape", "bee", "cow"])
    }

    @Test func namesThatAreNotUTF8() throws {
        let space = try Workspace()
        try fill(space, ["x/1.png", "y/1.png"])
        try space.succeed("cd ds; mv x $'caf\\xe9'; mv y/1.png $'y/\\xfc.png'; echo > $'y/\\xff.png'")
        let refused = try space.fail(65, "hl-sample --data imagefolder:ds --size 8", saying: #"ds/y/\xFF.png is"#)
        #expect(!StreamContent.isWhole(refused.output))
        try space.succeed("rm ds/y/$'\\xff.png'; hl-sample --data imagefolder:ds --size 8 -o a.hls")
        #expect(try classes(space) == [#"caf\xE9"#, "y"])
        #expect(try StreamContent(path: space.file("a.hls")).ids == [0, 1])
    }

    @Test func damagedImages() throws {
        let space = try Workspace()
        try fill(space, (0..<7).map { "ape/\($0).png" })
        for name in [2, 5] {
            try space.write(try space.bytes("ds/ape/\(name).png").prefix(40), to: "ds/ape/\(name).png")
        }
        let read = "hl-sample --data imagefolder:ds --size 8"
        try space.fail(65, "\(read) -o a.hls", saying: "ds/ape/2.png is a truncated PNG file")
        #expect(!space.exists("a.hls"))
        // Record by record, so that one of them has nothing left.
        for options in ["", "--batch 1", "--batch 3 --threads 1", "--shuffle --epochs 3"] {
            let outcome = try space.run("\(read) --skip-damaged \(options) -o a.hls")
            #expect(outcome.status == 0)
            #expect(
                outcome.errors
                    == "hl-sample: warning: left out 2 damaged images of 7: ds/ape/2.png is a truncated PNG file; "
                    + "ds/ape/5.png is a truncated PNG file\n", "\(options)")
            #expect(Set(try StreamContent(path: space.file("a.hls")).ids) == [0, 1, 3, 4, 6])
        }
        // Also where the reader ends an endless stream.
        let endless = try space.run("\(read) --skip-damaged --epochs 0 | head -c 100000 > /dev/null")
        #expect(endless.status == 0 && endless.errors.contains("left out 2 damaged images of 7"))
        try space.succeed("\(read) -q --skip-damaged > /dev/null")
        try space.succeed("rm ds/ape/[01346].png")
        for epochs in ["1", "0"] {
            try space.fail(
                65, "set -o pipefail; \(read) --skip-damaged --epochs \(epochs) | cat > b.hls",
                saying: "every image of imagefolder:ds")
        }
        try space.fail(65, "\(read) --skip-damaged -o c.hls", saying: "every image of imagefolder:ds")
        #expect(!space.exists("c.hls"))
    }
}
