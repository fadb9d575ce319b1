import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// From files of images to training: crops made on the way, sets that are stored once, sets that are finite or endless.
struct LoadingTests {
    /// Smooth photographs of two classes, larger than the side that is asked for.
    static func fill(_ space: Workspace, count: Int = 12, width: Int = 90, height: Int = 60) throws {
        for number in 0..<count {
            let folder = space.file("ds/c\(number % 2)")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let image = Image(width: width, height: height) { pixels in
                for index in pixels.indices {
                    let (x, y) = (index % width, index / width % height)
                    let slope = [x + y, 2 * y + number, 90 - x + y][index / width / height]
                    pixels[index] = UInt8(clamping: slope + 5 * number)
                }
            }
            try image.writePNG(to: "\(folder)/\(100 + number).png")
        }
    }

    private static let train = "hl-train -q --width 4 --backend plain --batch 4"

    private func content(_ space: Workspace, _ file: String) throws -> StreamContent {
        try StreamContent(path: space.file(file))
    }

    @Test func cropsAreTheSameInAnyRecordsThreadsAndShards() throws {
        let space = try Workspace()
        try Self.fill(space)
        let sample =
            "hl-sample --data imagefolder:ds --size 32 --random-resized-crop image --epochs 2 --shuffle --seed 5"
        try space.succeed("\(sample) > a.hls; \(sample) --threads 1 --batch 5 > b.hls; \(sample) --batch 1 -o c.hls")
        let a = try content(space, "a.hls")
        #expect(a.names == ["epoch", "id", "x.0", "x.1", "y"] && a.ids.count == 24)
        #expect(try a == content(space, "b.hls") && a == content(space, "c.hls"))
        let once = sample.replacing("--epochs 2", with: "--epochs 1")
        for shard in 0..<3 { try space.succeed("\(once) --shard \(shard)/3 > s\(shard).hls") }
        try space.succeed("cat s0.hls s1.hls s2.hls > joined.hls; \(once) > once.hls; hl-view --info joined.hls > info")
        #expect(try content(space, "joined.hls").sorted == content(space, "once.hls").sorted)
        try space.succeed("\(Self.train) -n 12 joined.hls -o e.safetensors")
        // The views of an image differ, and so do the passes.
        let whole = try StreamReader(path: space.file("a.hls"))
        var seen: [Int64: Set<[UInt8]>] = [:]
        while let batch = try whole.next() {
            let ids = try batch.require("id", .i64, rank: 1).integers
            for view in ["x.0", "x.1"] {
                let images = try batch.require(view, .u8, rank: 4)
                #expect(Array(images.shape[1...]) == [3, 28, 28])
                for (row, id) in ids.enumerated() {
                    seen[id, default: []].insert(images.rows(row..<row + 1).withUnsafeBytes(Array.init))
                }
            }
        }
        #expect(seen.count == 12 && seen.values.allSatisfy { $0.count == 4 })
    }

    /// The rest of T_x is drawn from the same words: a training on crops made before sees what one on whole images does.
    @Test(arguments: ["no-color", "simclr"]) func trainsOnCropsAsOnWholeImages(set: String) throws {
        let space = try Workspace()
        // Images that have the side: what hl-train crops is what is there.
        try Self.fill(space, width: 64, height: 64)
        let sample = "hl-sample --data imagefolder:ds --size 64 --epochs 2 --shuffle --seed 3"
        let train = "\(Self.train) -n 24 --augment \(set) --seed 3 --learning-rate 0.01"
        try space.succeed(
            """
            \(sample) | \(train) --log whole.jsonl -o whole.safetensors
            \(sample) --random-resized-crop square | \(train) --log crops.jsonl -o crops.safetensors
            \(sample) --random-resized-crop square --seed 4 | \(train) --log other.jsonl -o other.safetensors
            """)
        // Of the first step, before small differences have grown.
        func loss(_ name: String) throws -> Double {
            let lines = try String(decoding: space.bytes("\(name).jsonl"), as: UTF8.self).split(separator: "\n")
            return try #require(try JSONValue(parsing: String(lines[0]), name: name)["loss"]?.number)
        }
        let (whole, crops, other) = (try loss("whole"), try loss("crops"), try loss("other"))
        #expect(abs(whole - crops) < abs(whole - other) / 5, "\(whole) \(crops) \(other)")
        let description = try ["whole", "crops"].map {
            try Safetensors.read(path: space.file("\($0).safetensors")).metadata["hl.encoder"]
        }
        #expect(description[0] != nil && description[0] == description[1])
    }

    @Test func aRunOnCropsIsResumed() throws {
        let space = try Workspace()
        try Self.fill(space)
        let feed =
            "hl-sample --data imagefolder:ds --size 32 --random-resized-crop image --epochs 0 --shuffle --batch 2"
        let train = "\(Self.train) -n 40 --augment simclr"
        try space.succeed("\(feed) | \(train) -o whole.safetensors")
        // The stream is cut before the schedule ends.
        try space.fail(65, "\(feed) | head -c 50000 | \(train) -o e.safetensors", saying: "e.safetensors.resume")
        try space.succeed("\(feed) | \(train) --resume -o e.safetensors")
        let (a, b) = (
            try Safetensors.read(path: space.file("whole.safetensors")).tensors,
            try Safetensors.read(path: space.file("e.safetensors")).tensors
        )
        for (name, tensor) in a {
            #expect(b[name]?.withUnsafeBytes(Array.init) == tensor.withUnsafeBytes(Array.init), "\(name)")
        }
    }

    @Test func whoTakesCropsAndWhoDoesNot() throws {
        let space = try Workspace()
        try Self.fill(space)
        try space.succeed(
            """
            hl-sample --data imagefolder:ds --size 32 -o whole.hls
            hl-sample --data imagefolder:ds --size 32 --random-resized-crop image -o crops.hls
            hl-sample --data imagefolder:ds --size 32 --random-resized-crop image --views 1 -o one.hls
            hl-sample --data imagefolder:ds --size 28 -o small.hls
            hl-sample --data imagefolder:ds --size 28 --epochs 2 -o twice.hls
            """)
        for set in ["none", "no-crop"] {
            try space.fail(78, "\(Self.train) -n 8 --augment \(set) crops.hls", saying: "takes whole images")
        }
        try space.fail(65, "\(Self.train) -n 8 one.hls", saying: "give --views 2 to hl-sample")
        try space.succeed("\(Self.train) -n 8 --method supervised --classes 2 one.hls -o s.safetensors")
        // As large as the crops, and none.
        for reader in ["\(Self.train) -n 20 --method supervised --classes 2", "hl-encode -q --untrained --width 4"] {
            try space.fail(78, "cat one.hls small.hls | \(reader)", saying: "joins streams of different data sets")
        }
        try space.fail(
            78, "hl-train discriminator -q --width 4 --held-out 1 --batch 2 -n 2 --real one.hls small.hls",
            saying: "a discriminator judges whole images")
        try space.fail(
            78, "hl-probe --train one.hls --test small.hls --untrained --width 4", saying: "a probe crops whole images")
        // Nothing is cut off a crop.
        let told = try space.run("hl-encode --untrained --width 4 --side 32 one.hls -o e.hls")
        #expect(told.status == 0 && told.errors.contains("random crops, which are embedded as they are"))
        #expect(!told.errors.contains("warning"))
        try space.succeed("hl-encode --untrained --width 4 --side 32 -q small.hls -o w.hls")
        #expect(try content(space, "e.hls").floats("e.0")[3]?.count == 32)
        #expect(try space.succeed("hl-view --info crops.hls").text.contains("hl.crop"))
        try space.succeed("hl-view crops.hls -o crops.png")

        try space.fail(64, "hl-sample --random-resized-crop image", saying: "are for real images")
        try space.fail(64, "hl-sample --data imagefolder:ds --views 2", saying: "--views is for random crops")
        try space.fail(
            64, "hl-sample --data imagefolder:ds --random-resized-crop image --views 0", saying: "from 1 to 16")
    }
}
