import Foundation
import HLData
import HLFormats
import HLTensor
import Testing

@Suite struct ImageFolderTests {
    @Test func classesAndFilesAreSortedByTheirBytes() throws {
        let scratch = try Scratch.photographs()
        let folder = try ImageFolder(directory: scratch.path, split: "train")
        #expect(folder.classNames == ["Zebra", "dog"])
        #expect(folder.count == 3)
        let names = ["Zebra/1.jpg", "dog/a.PNG", "dog/b.png"]
        #expect((0..<3).map(folder.path) == names.map { "\(scratch.path)/train/\($0)" })
        #expect((0..<3).map(folder.label) == [0, 1, 1])
        let sample = try folder.sample(at: 1)
        #expect(sample.label == 1 && sample.image.withPlanes { $0.allSatisfy { $0 == 11 } })
        #expect(folder.source == "imagefolder:\(scratch.path)/train")
    }

    @Test func withoutSplitsTheFoldersAreClasses() throws {
        let scratch = try Scratch.photographs()
        let folder = try ImageFolder(directory: "\(scratch.path)/test")
        #expect(folder.classNames == ["Zebra", "dog"] && folder.count == 2)
    }

    @Test func wrongPlacesAreNamedWithTheWayOut() throws {
        let scratch = try Scratch.photographs()
        let missing = failure { _ = try ImageFolder(directory: "\(scratch.path)/nowhere", split: "train") }
        #expect(missing?.kind == .noInput)
        let split = failure { _ = try ImageFolder(directory: scratch.path, split: "val") }
        #expect(split?.kind == .noInput && split?.remedy == "use one of test, train")
        let unchosen = failure { _ = try ImageFolder(directory: scratch.path) }
        #expect(unchosen?.kind == .usage && unchosen?.what.contains("test, train") == true)
        let needless = failure { _ = try ImageFolder(directory: "\(scratch.path)/test", split: "val") }
        #expect(needless?.kind == .usage)
        try scratch.write([], to: "train/empty/notes.txt")
        let empty = failure { _ = try ImageFolder(directory: scratch.path, split: "train") }
        #expect(empty?.kind == .noInput && empty?.what.contains("train/empty") == true)
        let flat = failure { _ = try ImageFolder(directory: "\(scratch.path)/test/dog") }
        #expect(flat?.kind == .noInput)
    }

    @Test func linksAreFollowed() throws {
        let scratch = try Scratch.photographs()
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/train/cat", withDestinationPath: "\(scratch.path)/test/dog")
        let folder = try ImageFolder(directory: scratch.path, split: "train")
        #expect(folder.classNames == ["Zebra", "cat", "dog"])
        #expect(try folder.sample(at: 1).image.withPlanes { $0[0] } == 20)
    }
}

@Suite struct DatasetSourceTests {
    /// One class of `count` images, each grey by its number, of differing sizes.
    private func numbered(_ count: Int) throws -> (Scratch, ImageFolder) {
        let scratch = Scratch()
        for index in 0..<count {
            try scratch.write(UInt8(index), side: 3 + index % 4, to: "class\(index % 2)/\(100 + index).png")
        }
        return (scratch, try ImageFolder(directory: scratch.path))
    }

    @Test(arguments: [1, 2, 5, 64])
    func batchesKeepTheOrderAtAnyThreadCount(threads: Int) throws {
        let (scratch, folder) = try numbered(23)
        defer { withExtendedLifetime(scratch) {} }
        let source = try DatasetSource(folder, side: 4, threads: threads)
        let batch = try source.batch(2..<20)
        #expect(batch.images.shape == [18, 3, 4, 4] && batch.images.type == .u8)
        #expect(batch.ids.integers == (2..<20).map(Int64.init))
        // Class 0 holds the even numbers, in order, and comes first.
        let numbers = stride(from: 0, to: 23, by: 2).map { $0 } + stride(from: 1, to: 23, by: 2).map { $0 }
        #expect(batch.labels.integers == numbers[2..<20].map { Int64($0 % 2) })
        let first = batch.images.withUnsafeBytes { bytes in (0..<18).map { bytes[$0 * 48] } }
        #expect(first == numbers[2..<20].map(UInt8.init))
        #expect(try source.batch(5..<5).images.shape == [0, 3, 4, 4])
    }

    @Test func shufflingIsAPermutationOfSeedAndEpoch() throws {
        let (scratch, folder) = try numbered(23)
        defer { withExtendedLifetime(scratch) {} }
        func order(_ seed: UInt64, epoch: Int = 0) throws -> [Int] {
            try DatasetSource(folder, side: 4, shuffleSeed: seed, epoch: epoch).indices(at: 0..<23)
        }
        let one = try DatasetSource(folder, side: 4, shuffleSeed: 1), first = try order(1)
        #expect(first.sorted() == Array(0..<23) && first != Array(0..<23))
        #expect(try order(1) == first)
        #expect(try order(2) != first)
        #expect(try order(1, epoch: 1) != first)
        #expect(try DatasetSource(folder, side: 4).indices(at: 0..<23) == Array(0..<23))
        // The id says which image it is, whatever the order.
        let plain = try DatasetSource(folder, side: 4).batch(0..<23)
        let mixed = try one.batch(0..<23)
        #expect(mixed.ids.integers == first.map(Int64.init))
        let expected = plain.images.gather(mixed.ids.integers.map(Int.init))
        #expect(mixed.images.withUnsafeBytes { Array($0) } == expected.withUnsafeBytes { Array($0) })
    }

    @Test func theFirstUnreadableImageIsNamed() throws {
        let (scratch, _) = try numbered(23)
        try scratch.write(Array("no image".utf8), to: "class0/104.png")
        try scratch.write([], to: "class0/106.png")
        try scratch.write([], to: "class1/101.png")
        let source = try DatasetSource(ImageFolder(directory: scratch.path), side: 4, threads: 3)
        let failure = failure { _ = try source.batch(0..<23) }
        #expect(failure?.kind == .data && failure?.what.contains("class0/104.png") == true)
    }

    @Test func badSizesAreRefusedAndStripsNamed() throws {
        let (scratch, folder) = try numbered(3)
        #expect(failure { _ = try DatasetSource(folder, side: 0) }?.kind == .usage)
        #expect(failure { _ = try DatasetSource(folder, side: .max) }?.kind == .usage)
        try scratch.write(Image(width: 9000, height: 1, grey: 0).pngBytes(), to: "class0/strip.png")
        let source = try DatasetSource(ImageFolder(directory: scratch.path), side: 64)
        let failure = failure { _ = try source.batch(0..<source.count) }
        #expect(failure?.kind == .data && failure?.what.contains("strip.png") == true)
    }
}
