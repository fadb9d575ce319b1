import Foundation
import HLData
import HLFormats
import HLTensor
import Testing

/// Miniatures of published sets against what torchvision reads from them.
@Suite struct PublishedSetsTests {
    @Test(arguments: ["flowers102", "dtd", "food101", "pets", "caltech101", "aircraft", "cars"])
    func setsOfListsAreTorchvisions(set: String) throws {
        let miniature = try Miniature(set)
        try miniature.fill()
        try miniature.check(set)
    }

    @Test(arguments: ["cifar10", "cifar100", "imagenet"] + (Image.readsWebP && Image.readsJPEG ? ["lsun"] : []))
    func setsOfOtherFilesAreTorchvisions(set: String) throws { try Miniature(set).check(set) }

    /// The folder that torchvision or the archive makes is found from above it.
    @Test func theFolderAboveWillDo() throws {
        let miniature = try Miniature("pets")
        try miniature.fill()
        let outer = Scratch()
        try outer.write([], to: "notes.txt")
        try FileManager.default.moveItem(atPath: miniature.folder.path, toPath: "\(outer.path)/oxford-iiit-pet")
        #expect(try Datasets.open("pets:\(outer.path)").count == 4)
        let missing = failure { _ = try Datasets.open("dtd:\(outer.path)") }
        #expect(missing?.kind == .noInput && missing?.what.contains("it has no labels") == true)
    }

    /// What is gone is counted, and ends the run where that is wanted, or where nothing is left.
    @Test func listedImagesThatAreGoneAreCounted() throws {
        let miniature = try Miniature("food101")
        try miniature.fill()
        let whole = try miniature.open("food101", "train")
        try FileManager.default.removeItem(atPath: "\(miniature.folder.path)/images/ramen/3.jpg")
        let dataset = try miniature.open("food101", "train")
        #expect(dataset.count == 3 && dataset.omissions.count(.gone) == 1)
        #expect(dataset.omissions.text == "1 listed image that is gone (\(miniature.folder.path)/images/ramen/3.jpg)")
        #expect(try (0..<3).map(dataset.label) == [1, 0, 0] && dataset.classNames == whole.classNames)
        #expect(dataset.identity["fingerprint"] != whole.identity["fingerprint"])
        let strict = failure { _ = try miniature.open("food101", "train", strict: true) }
        #expect(strict?.kind == .noInput && strict?.what.contains("1 of the 4 images") == true)
        try FileManager.default.removeItem(atPath: "\(miniature.folder.path)/images")
        #expect(failure { _ = try miniature.open("food101", "train") }?.kind == .noInput)
    }

    /// Thirty of each class, or as many as are said, by seed; the rest is for testing.
    @Test func caltechIsSplitBySeed() throws {
        let miniature = try Miniature("caltech101")
        try miniature.fill()
        func names(_ key: String) throws -> [String] {
            let dataset = try miniature.open("caltech101", key)
            return try (0..<dataset.count).map { try dataset.sample(at: $0).path }
        }
        let all = try names("all"), train = try names("train train=2"), test = try names("test train=2")
        #expect(train.count == 6 && test.count == 6 && Set(train + test) == Set(all))
        #expect(train == all.filter(train.contains) && test == all.filter(test.contains))
        #expect(try names("train train=2 split-seed=0") == train)
        let seeds = try Set((1...8).map { try names("train train=2 split-seed=\($0)") })
        #expect(seeds.count > 4)
        // A draw that no other version may change.
        #expect(train.map { String($0.dropFirst(miniature.folder.path.count + 22)) } == Self.drawn)
        // Thirty are more than there are.
        #expect(try names("train") == all)
        #expect(failure { _ = try names("test") }?.kind == .noInput)
    }

    private static let drawn = [
        "Faces/image_0001.jpg", "Faces/image_0003.jpg", "airplanes/image_0001.jpg", "airplanes/image_0003.jpg",
        "yin_yang/image_0002.jpg", "yin_yang/image_0005.jpg",
    ]

    @Test func carsNeedTheListWithLabels() throws {
        let miniature = try Miniature("cars")
        try FileManager.default.removeItem(atPath: "\(miniature.folder.path)/cars_test_annos_withlabels.mat")
        let missing = failure { _ = try miniature.open("cars", "test") }
        #expect(missing?.kind == .noInput && missing?.what.contains("withlabels") == true)
    }

    /// Nothing of a list is opened that lies outside of the set's folder.
    @Test(arguments: [
        "../secret", "/etc/passwd", "a/../../secret", "ramen//x", "./x", "ramen/.", "..", "ramen/\u{0}x", "",
    ]) func listsDoNotLeadOut(name: String) throws {
        let miniature = try Miniature("food101")
        try miniature.fill()
        try miniature.folder.write(1, to: "secret.jpg")
        let list = JSONValue.object(["ramen": .array([.string(name.isEmpty ? "/" : name)])]).text
        try miniature.folder.write(Array(list.utf8), to: "meta/train.json")
        let refused = failure { _ = try miniature.open("food101", "train") }
        #expect(refused?.kind == .data || refused?.kind == .noInput, "\(String(describing: refused))")
        #expect(refused?.what.contains("\n") == false)
    }

    @Test func linksDoNotLeadOut() throws {
        let miniature = try Miniature("food101"), outside = Scratch()
        try miniature.fill()
        try outside.write(9, to: "secret.jpg")
        let name = "\(miniature.folder.path)/images/ramen"
        try FileManager.default.removeItem(atPath: "\(name)/3.jpg")
        try FileManager.default.createSymbolicLink(
            atPath: "\(name)/3.jpg", withDestinationPath: "\(outside.path)/secret.jpg")
        let dataset = try miniature.open("food101", "train")
        let leading = failure { _ = try dataset.sample(at: 1) }
        #expect(leading?.kind == .data && leading?.what.contains("leads out of the data set") == true)
        // Within the set they may lead.
        try FileManager.default.removeItem(atPath: "\(name)/3.jpg")
        try FileManager.default.createSymbolicLink(atPath: "\(name)/3.jpg", withDestinationPath: "20.jpg")
        #expect(
            try dataset.sample(at: 1).image.withPlanes { Array($0) }
                == dataset.sample(at: 0).image.withPlanes { Array($0) })
        try FileManager.default.removeItem(atPath: name)
        try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: outside.path)
        let folder = failure { _ = try miniature.open("food101", "train") }
        #expect(folder?.kind == .data && folder?.what.contains("leads out of the data set") == true)
        // The user's own path may be a link.
        let link = Scratch()
        try link.write([], to: "x")
        try link.link("food", to: miniature.folder.path)
        try FileManager.default.removeItem(atPath: name)
        #expect(try Datasets.open("food101:\(link.path)/food").count == 2)
    }
}
