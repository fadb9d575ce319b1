import Foundation
import HLFormats
import HLTensor
import TestSupport
import Testing

/// Sets that are stored once and read in any order, and parts that are drawn of sets without splits.
struct StoredSetTests {
    private func content(_ space: Workspace, _ file: String) throws -> StreamContent {
        try StreamContent(path: space.file(file))
    }

    @Test func aStoredSetIsTheSetItself() throws {
        let space = try Workspace()
        try LoadingTests.fill(space)
        try space.succeed(
            """
            hl-sample --data imagefolder:ds --size 48 -o set.hls
            hl-sample --data stream:set.hls --size 48 > same.hls
            hl-sample --data stream:set.hls --size 48 --shuffle --seed 2 --threads 3 --batch 2 > mixed.hls
            hl-sample --data stream:mixed.hls --size 48 > again.hls
            hl-sample --data stream:set.hls --size 24 > small.hls
            """)
        let whole = try content(space, "set.hls")
        #expect(try content(space, "same.hls") == whole)
        #expect(try content(space, "mixed.hls").sorted == whole && content(space, "mixed.hls").ids != whole.ids)
        // Ids stay those of the set, whatever the order in which they were stored.
        #expect(try content(space, "again.hls") == content(space, "mixed.hls"))
        let stored = try SeekableStream(path: space.file("set.hls"))
        #expect(stored.sampleCount == 12 && stored.header.data?["kind"] == "imagefolder")
        let header = try StreamReader(path: space.file("small.hls")).header
        #expect(header.data?["kind"] == "imagefolder" && header.data?["size"] == 24)
        #expect(header.history.map(\.tool) == ["hl-sample", "hl-sample"])
        // The samples are the same ones for a probe.
        try space.fail(
            78, "hl-probe --train same.hls --test set.hls --untrained --width 4", saying: "share 12 samples")
        // A part of them is enough for one that is looked for.
        try space.succeed("hl-sample --data stream:set.hls --size 48 --start 7 -n 1 > one.hls")
        #expect(try content(space, "one.hls").ids == [7])
    }

    @Test func recordsOfImagesAreSmallAndPhotographsAreStored() throws {
        let space = try Workspace()
        let side = 128
        try FileManager.default.createDirectory(atPath: space.file("ds/c"), withIntermediateDirectories: true)
        for number in 0..<9 {
            var words = RandomKey(seed: 1, purpose: .shuffle).sequence(id: Int64(number))
            let image = Image(width: side, height: side) { pixels in
                for index in pixels.indices { pixels[index] = UInt8(truncatingIfNeeded: words.nextWord()) }
            }
            try image.writePNG(to: space.file("ds/c/\(number).png"))
        }
        try space.succeed(
            "hl-sample --data imagefolder:ds --size 128 -o a.hls; hl-sample --data imagefolder:ds --size 128 --batch 4 -o b.hls"
        )
        #expect(try SeekableStream(path: space.file("a.hls")).rowCounts == [2, 2, 2, 2, 1])
        #expect(try SeekableStream(path: space.file("b.hls")).rowCounts == [4, 4, 1])
        #expect(try content(space, "a.hls") == content(space, "b.hls"))
        // One record is damaged: who reads it says so, and who does not is not disturbed.
        var bytes = try space.bytes("a.hls")
        let place = bytes.count / 2
        bytes[place] ^= 0x10
        try space.write(bytes, to: "a.hls")
        try space.fail(65, "hl-sample --data stream:a.hls --size 64", saying: "is damaged")
        try space.succeed("hl-sample --data stream:a.hls --size 64 --start 8 > last.hls")
        // Those that are generated shrink, and are compressed as before.
        try space.succeed("hl-sample -n 200 --render -o shapes.hls")
        let tensors = 200 * (3 * 64 * 64 + 4 * 120 + 16)
        #expect(try space.bytes("shapes.hls").count < tensors * 4 / 5)
    }

    /// A stored set may come from other hands: labels are those that it has, and those that it can have.
    @Test func labelsAndMarksAreTheStreams() throws {
        let space = try Workspace()
        func set(_ labels: [Int64], marks: Int? = 3) throws {
            let count = labels.count
            var tensors: NamedTensors = [
                "id": HandMade.ids(count), "y": HostTensor(labels, shape: [count]),
                "x.0": HostTensor(.u8, shape: [count, 3, 8, 8]) { bytes in
                    for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index) }
                },
            ]
            if let marks {
                tensors["y.all"] = HostTensor(.u8, shape: [count, marks]) { bytes in
                    for index in bytes.indices { bytes[index] = [0, 1, 255][(index / 2) % 3] }
                }
            }
            try HandMade.stream(
                to: space.file("set.hls"), generator: nil,
                data: ["kind": "voc", "directory": "d", "split": "train", "classes": ["a", "b", "c"]], tensors)
        }
        try set([0, 2, 1, 2])
        try space.succeed("hl-sample --data stream:set.hls --size 8 -o a.hls")
        let (own, stored) = (
            try SeekableStream(path: space.file("set.hls")).gather(sampleIndices: [0, 1, 2, 3]),
            try SeekableStream(path: space.file("a.hls")).gather(sampleIndices: [0, 1, 2, 3])
        )
        for name in ["y", "y.all"] {
            #expect(stored.tensors[name]?.withUnsafeBytes(Array.init) == own.tensors[name]?.withUnsafeBytes(Array.init))
        }
        try space.succeed("hl-sample --data stream:set.hls,holdout=0.5 --split test --size 8 | hl-view --info > part")
        #expect(try String(decoding: space.bytes("part"), as: UTF8.self).contains("y.all"))
        for label in [-1, 3, Int64.max] {
            try set([0, label, 1])
            for settings in ["", ",holdout=0.5"] {
                try space.fail(
                    65, "hl-sample --data stream:set.hls\(settings) --size 8", saying: "has a sample of class \(label)")
            }
        }
        try set([0, 1], marks: 2)
        try space.fail(65, "hl-sample --data stream:set.hls --size 8", saying: "marks (y.all) of other classes")
    }

    @Test func whatIsNoStoredSet() throws {
        let space = try Workspace()
        try LoadingTests.fill(space)
        try space.succeed(
            """
            hl-sample -n 8 --render -o generated.hls
            hl-sample --data imagefolder:ds --size 32 --random-resized-crop image -o crops.hls
            hl-sample --data imagefolder:ds --size 32 -o set.hls
            """)
        try space.fail(78, "hl-sample --data stream:generated.hls", saying: "no stream of real images")
        try space.fail(78, "hl-sample --data stream:crops.hls", saying: "has random crops")
        try space.fail(66, "hl-sample --data stream:none.hls", saying: "cannot read none.hls")
        try space.fail(65, "hl-sample --data stream:ds/c0/100.png", saying: "100.png")
        try space.fail(64, "hl-sample --data stream:set.hls --split test", saying: "give holdout=")
        try space.fail(64, "hl-sample --data stream:set.hls,split-seed=1", saying: "give holdout= too")
        try space.fail(64, "hl-sample --data stream:set.hls,holdout=1.5", saying: "holdout=1.5")
        try space.fail(64, "hl-sample --data stream:set.hls,holdout=0.5 --split val", saying: "train and test")
        try space.fail(66, "hl-sample --data stream:set.hls,holdout=0.01 --split test", saying: "leaves nothing")
    }

    @Test(arguments: ["imagefolder:ds", "imagefolder:ds,labels=none", "stream:set.hls"])
    func partsThatAreDrawn(set: String) throws {
        let space = try Workspace()
        try LoadingTests.fill(space, count: 20)
        try space.succeed("hl-sample --data imagefolder:ds --size 16 -o set.hls")
        func ids(_ settings: String, _ split: String) throws -> [Int64] {
            try space.succeed("hl-sample --data \(set),\(settings) --split \(split) --size 16 > part.hls")
            return try content(space, "part.hls").ids
        }
        for seed in ["", ",split-seed=4"] {
            let (train, test) = (try ids("holdout=0.2\(seed)", "train"), try ids("holdout=0.2\(seed)", "test"))
            #expect(train.count == 16 && test.count == 4 && train == train.sorted())
            #expect(Set(train + test) == Set(0..<20))
            // Of each class its share.
            if !set.contains("none") { #expect(test.count { $0 < 10 } == 2) }
        }
        #expect(try ids("holdout=0.2,split-seed=4", "test") != ids("holdout=0.2", "test"))
        // Parts of one draw can be probed; those of two overlap, and that is noticed.
        let size = "--size 16"
        try space.succeed(
            """
            hl-sample --data \(set),holdout=0.5 \(size) > a.hls
            hl-sample --data \(set),holdout=0.5 --split test \(size) > b.hls
            hl-sample --data \(set),holdout=0.5,split-seed=9 --split test \(size) > c.hls
            """)
        let probe = "hl-probe -q --untrained --width 4 --side 16 -k 1 --epochs 1 --seeds 1 --train a.hls"
        if !set.contains("none") { try space.succeed("\(probe) --test b.hls") }
        try space.fail(78, "\(probe) --test c.hls", saying: "share")
    }

    @Test func theSameShuffledTrainingWhateverTheRecords() throws {
        let space = try Workspace()
        try LoadingTests.fill(space)
        let train = "hl-train -q --width 4 --backend plain --batch 4 --epochs 3"
        try space.succeed(
            """
            hl-sample --data imagefolder:ds --size 32 --batch 1 -o a.hls
            hl-sample --data imagefolder:ds --size 32 --batch 5 -o b.hls
            \(train) --threads 1 a.hls -o a.safetensors
            \(train) --threads 1 b.hls -o b.safetensors
            """)
        let (a, b) = (
            try Safetensors.read(path: space.file("a.safetensors")).tensors,
            try Safetensors.read(path: space.file("b.safetensors")).tensors
        )
        #expect(a.names == b.names)
        for (name, tensor) in a {
            #expect(b[name]?.withUnsafeBytes(Array.init) == tensor.withUnsafeBytes(Array.init), "\(name)")
        }
    }
}
