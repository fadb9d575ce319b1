import Foundation
import HLData
import HLFormats
import HLTensor
import Testing

/// What an image folder reads of a disk as disks are, and what it says of the rest.
@Suite struct OmissionsTests {
    /// The order is that of torchvision's ImageFolder: folders by their paths, and in each the names of its files.
    @Test func imagesLieAtAnyDepth() throws {
        let scratch = Scratch()
        for (grey, name) in [
            "bird/1.png", "fish/z.png", "fish/2019/a.png", "fish/2019/deep/er/b.png", "fish/2019 b/c.png",
            "fish/2020/d.PNG",
        ].enumerated() { try scratch.write(UInt8(grey), to: name) }
        let folder = try ImageFolder(directory: scratch.path)
        #expect(folder.classNames == ["bird", "fish"] && folder.omissions.isEmpty)
        // " " comes before "/", as in a sorted list of paths.
        let names = [
            "bird/1.png", "fish/z.png", "fish/2019/a.png", "fish/2019 b/c.png", "fish/2019/deep/er/b.png",
            "fish/2020/d.PNG",
        ]
        #expect((0..<folder.count).map(folder.path) == names.map { "\(scratch.path)/\($0)" })
        #expect((0..<folder.count).map(folder.label) == [0, 1, 1, 1, 1, 1])
        #expect(try folder.sample(at: 4).image.withPlanes { $0[0] } == 3)
    }

    @Test func whatIsLeftOutIsCounted() throws {
        let scratch = Scratch()
        try scratch.write(1, to: "bird/1.png")
        for ending in ["HEIC", "GIF", "bmp", "tiff", "jfif"] { try scratch.write([1], to: "bird/2.\(ending)") }
        try scratch.write([1], to: "bird/notes.txt")
        try scratch.write([1], to: "bird/.hidden.jpg")
        try scratch.write([1], to: "bird/.DS_Store")
        try scratch.write(1, to: "bird/@eaDir/1.png/thumbnail.png")
        try scratch.write(1, to: "@eaDir/1.png")
        try scratch.write(1, to: "beside.png")
        try scratch.link("bird/gone.jpg", to: "../../objects/gone.jpg")
        try scratch.link("gone", to: "nowhere")
        try scratch.link("bird/again", to: "..")
        let folder = try ImageFolder(directory: scratch.path)
        #expect(folder.classNames == ["bird"] && folder.count == 1)
        let counts = Omissions.Reason.allCases.map(folder.omissions.count)
        #expect(counts == [5, 2, 1, 1, 2, 1, 0, 0, 0, 0, 0])
        let text = folder.omissions.text
        #expect(text.contains("5 pictures of formats that are not read (such as \(scratch.path)/bird/2."))
        #expect(text.contains("1 hidden picture (\(scratch.path)/bird/.hidden.jpg)"))
        #expect(text.contains(" and 1 link into a folder above it (\(scratch.path)/bird/again)"))
    }

    /// Names in Latin-1, which no `String` can hold.
    @Test func namesNeedNotBeUTF8() throws {
        let scratch = Scratch()
        try scratch.write(7, toBytes: Array("caf".utf8) + [0xE9, UInt8(ascii: "/"), 0xFC] + Array(".png".utf8))
        try scratch.write(8, to: "thé/ü.png")
        let folder = try ImageFolder(directory: scratch.path)
        #expect(folder.classNames == [#"caf\xE9"#, "thé"] && folder.count == 2)
        let sample = try folder.sample(at: 0)
        #expect(sample.image.withPlanes { $0[0] } == 7)
        #expect(sample.path == #"\#(scratch.path)/caf\xE9/\xFC.png"#)
        #expect(try folder.sample(at: 1).image.withPlanes { $0[0] } == 8)
    }

    @Test func emptyClassesKeepTheLabelsOfOthersWhereTheyMay() throws {
        let scratch = Scratch()
        try scratch.write(1, to: "ape/1.png")
        try scratch.write([1], to: "bee/1.gif")
        try scratch.write(2, to: "cat/1.png")
        let refused = failure { _ = try ImageFolder(directory: scratch.path) }
        #expect(refused?.kind == .noInput && refused?.remedy.contains("--allow-empty") == true)
        // What is there instead is part of the message.
        #expect(refused?.what.contains("bee has no images, but 1 picture of a format") == true)
        let folder = try ImageFolder(directory: scratch.path, keepingEmptyClasses: true)
        #expect(folder.classNames == ["ape", "bee", "cat"] && (0..<folder.count).map(folder.label) == [0, 2])
        #expect(folder.omissions.count(.emptyClass) == 1)
        try FileManager.default.removeItem(atPath: "\(scratch.path)/ape")
        try FileManager.default.removeItem(atPath: "\(scratch.path)/cat")
        let none = failure { _ = try ImageFolder(directory: scratch.path, keepingEmptyClasses: true) }
        #expect(none?.kind == .noInput)
    }

    /// Splits are not taken for classes with images in folders, and such classes can be read.
    @Test func splitsAndFoldersOfFolders() throws {
        let scratch = Scratch()
        try scratch.write(1, to: "photos/bird/2019/1.png")
        try scratch.write(2, to: "photos/fish/2020/1.png")
        let unclear = failure { _ = try ImageFolder(directory: "\(scratch.path)/photos") }
        #expect(unclear?.kind == .usage && unclear?.what.contains("has splits: bird, fish") == true)
        #expect(try ImageFolder(directory: scratch.path, split: "photos").classNames == ["bird", "fish"])
        // One folder with images right in it makes classes of all, unless another is called like a split.
        try scratch.write(3, to: "photos/wasp/1.png")
        #expect(try ImageFolder(directory: "\(scratch.path)/photos").count == 3)
        try scratch.write(3, to: "photos/train/ant/1.png")
        let split = failure { _ = try ImageFolder(directory: "\(scratch.path)/photos") }
        #expect(split?.kind == .usage && split?.what.contains("train") == true)
    }

    @Test func aFingerprintKnowsAFolderByWhatIsInIt() throws {
        let scratch = try Scratch.photographs()
        func fingerprint(_ directory: String, _ split: String? = nil) throws -> String {
            try #require(try ImageFolder(directory: directory, split: split).identity["fingerprint"]?.string)
        }
        let known = try fingerprint(scratch.path, "train")
        #expect(try fingerprint("\(scratch.path)/./train/") == known)
        try FileManager.default.copyItem(atPath: "\(scratch.path)/train", toPath: "\(scratch.path)/copy")
        #expect(try fingerprint(scratch.path, "copy") == known)
        #expect(try fingerprint(scratch.path, "test") != known)
        // Other pixels under the same names, other classes of the same files, one file more.
        try scratch.write(99, to: "copy/dog/b.png")
        #expect(try fingerprint(scratch.path, "copy") != known)
        try scratch.write(10, to: "copy/dog/b.png")
        #expect(try fingerprint(scratch.path, "copy") == known)
        try scratch.write(10, to: "copy/dog/c.png")
        #expect(try fingerprint(scratch.path, "copy") != known)
    }

    /// Damaged images are left out only where that is asked for, and are named.
    @Test(arguments: [1, 3]) func damagedImagesCanBeLeftOut(threads: Int) throws {
        let scratch = Scratch()
        for index in 0..<6 { try scratch.write(UInt8(index), to: "ape/\(index).png") }
        let whole = try Image(width: 4, height: 4, grey: 3).pngBytes()
        try scratch.write(Array(whole.prefix(whole.count / 2)), to: "ape/3.png")
        let folder = try ImageFolder(directory: scratch.path)
        try FileManager.default.removeItem(atPath: "\(scratch.path)/ape/5.png")
        let strict = try DatasetSource(folder, side: 4, threads: threads)
        let refused = failure { _ = try strict.batch(0..<6) }
        #expect(refused?.what.hasSuffix("ape/3.png is a truncated PNG file") == true)
        let source = try DatasetSource(folder, side: 4, threads: threads, skippingDamaged: true)
        let batch = try source.batch(0..<6)
        #expect(batch.ids.integers == [0, 1, 2, 4] && batch.labels.integers == [0, 0, 0, 0])
        #expect(batch.images.withUnsafeBytes { bytes in (0..<4).map { bytes[$0 * 48] } } == [0, 1, 2, 4])
        #expect(batch.damaged.map(\.index) == [3, 5])
        #expect(batch.damaged.map(\.failure.kind) == [.data, .noInput])
        #expect(try source.batch(indices: [3]).ids.integers.isEmpty)
    }
}
