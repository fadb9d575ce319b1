import Foundation
import HLData
import HLFormats
import HLTensor
import Testing

/// Sets that torchvision has no class for, or that are given in several forms.
@Suite struct OtherSetsTests {
    private func open(_ set: String, _ folder: Scratch, _ settings: String = "", split: String? = nil) throws
        -> any ImageDataset
    {
        try Datasets.open("\(set):\(folder.path)\(settings)", DatasetOptions(split: split))
    }

    private func greys(_ dataset: any ImageDataset) throws -> [UInt8] {
        try (0..<dataset.count).map { try dataset.sample(at: $0).image.withPlanes { $0[0] } }
    }

    private func labels(_ dataset: any ImageDataset) throws -> [Int] { try (0..<dataset.count).map(dataset.label) }

    // MARK: CIFAR and MNIST

    /// The binary form holds the same images, in the same order, under the same fingerprint.
    @Test(arguments: ["cifar10", "cifar100"]) func theFormsOfCIFARAgree(set: String) throws {
        let python = try Miniature(set), folder = Scratch()
        let names = set == "cifar10" ? (1...5).map { "data_batch_\($0)" } + ["test_batch"] : ["train", "test"]
        for name in names {
            let file = try CIFARFile(pickle: "\(python.folder.path)/\(name)")
            let bytes = (0..<file.count).flatMap { index in
                (file.coarseLabels.map { [$0[index]] } ?? []) + [file.labels[index]]
                    + file.image(at: index).withPlanes { Array($0) }
            }
            try folder.write(bytes, to: "\(name).bin")
        }
        func text(_ prefix: String, _ count: Int) -> [UInt8] { (0..<count).flatMap { Array("\(prefix)\($0)\n".utf8) } }
        if set == "cifar10" {
            try folder.write(
                Array(try #require(python.answers.first).answer.classes.joined(separator: "\n").utf8),
                to: "batches.meta.txt")
        } else {
            try folder.write(text("fine", 100), to: "fine_label_names.txt")
            try folder.write(text("coarse", 20), to: "coarse_label_names.txt")
        }
        for split in ["train", "test"] {
            for settings in set == "cifar10" ? [""] : [",labels=fine", ",labels=coarse"] {
                let one = try open(set, python.folder, settings, split: split)
                let other = try open(set, folder, settings, split: split)
                #expect(try labels(one) == labels(other) && one.classNames == other.classNames)
                #expect(try greys(one) == greys(other))
                #expect(one.identity["fingerprint"] == other.identity["fingerprint"])
            }
        }
    }

    /// Coarse labels are labels of the same images.
    @Test func coarseLabels() throws {
        let folder = try Miniature("cifar100").folder
        let coarse = try open("cifar100", folder, ",labels=coarse")
        #expect(try labels(coarse) == [1, 4, 7] && coarse.classNames.count == 20 && coarse.classNames[7] == "coarse7")
        #expect(coarse.identity["labels"]?.string == "coarse")
        #expect(coarse.identity["fingerprint"] == (try open("cifar100", folder)).identity["fingerprint"])
        let wrong = failure { _ = try open("cifar10", try Miniature("cifar100").folder) }
        #expect(wrong?.kind == .noInput)
    }

    private func idx(_ sizes: [Int], _ content: [UInt8]) -> [UInt8] {
        [0, 0, 8, UInt8(sizes.count)] + sizes.flatMap { [0, 0, UInt8($0 >> 8), UInt8($0 & 255)] } + content
    }

    @Test(arguments: ["mnist", "fashion-mnist"]) func idxFilesAreRead(set: String) throws {
        let folder = Scratch()
        let pixels: [UInt8] = (0..<60).map { UInt8($0) }
        try folder.write(idx([3, 4, 5], pixels), to: "train-images-idx3-ubyte")
        try folder.write(idx([3], [9, 0, 4]), to: "train-labels-idx1-ubyte")
        try folder.write(idx([1, 4, 5], Array(repeating: 77, count: 20)), to: "t10k-images.idx3-ubyte")
        try folder.write(idx([1], [10]), to: "t10k-labels.idx1-ubyte")
        let dataset = try open(set, folder)
        #expect(try labels(dataset) == [9, 0, 4] && dataset.classNames.count == 10)
        #expect(dataset.classNames[9] == (set == "mnist" ? "9 - nine" : "Ankle boot"))
        let image = try dataset.sample(at: 1).image
        #expect(image.width == 5 && image.height == 4)
        let second = Array(pixels[20..<40]), planes = [second, second, second].flatMap { $0 }
        #expect(image.withPlanes { Array($0) } == planes)
        let label = failure { _ = try open(set, folder, split: "test") }
        #expect(label?.kind == .data && label?.what.contains("label 10") == true)
        try folder.write(idx([2], [9, 0]), to: "train-labels-idx1-ubyte")
        #expect(failure { _ = try open(set, folder) }?.kind == .data)
    }

    // MARK: Birdsnap and VOC

    private func birds() throws -> Scratch {
        let folder = Scratch()
        func table(_ name: String, _ rows: [[String]]) throws {
            try folder.write(Array(rows.map { $0.joined(separator: "\t") + "\r\n" }.joined().utf8), to: name)
        }
        try table(
            "species.txt",
            [
                ["id", "common", "scientific", "dir"],
                ["1", "Acadian Flycatcher", "E. virescens", "Acadian_Flycatcher"],
                ["2", "Blue Jay", "C. cristata", "Blue_Jay"],
            ])
        try table(
            "images.txt",
            [
                ["url", "md5", "path", "species_id", "bb_x1"], ["http://a", "0", "Blue_Jay/7.jpg", "2", "1"],
                ["http://b", "0", "Acadian_Flycatcher/3.jpg", "1", "1"], ["http://c", "0", "Blue_Jay/8.jpg", "2", ""],
                ["http://d", "0", "Blue_Jay/9.jpg", "2", ""],
            ])
        try table("test_images.txt", [["path"], ["Blue_Jay/8.jpg"]])
        for (grey, name) in ["Blue_Jay/7", "Acadian_Flycatcher/3", "Blue_Jay/8"].enumerated() {
            try folder.write(UInt8(grey), to: "download/images/\(name).jpg")
        }
        return folder
    }

    @Test func birdsnapIsItsTables() throws {
        let folder = try birds()
        let train = try open("birdsnap", folder), test = try open("birdsnap", folder, split: "test")
        #expect(try labels(train) == [1, 0] && greys(train) == [0, 1])
        #expect(train.omissions.count(.gone) == 1)
        #expect(try labels(test) == [1] && greys(test) == [2] && test.omissions.isEmpty)
        #expect(train.classNames == ["Acadian Flycatcher", "Blue Jay"])
        try folder.write(Array("path\tid\nx\t1\n".utf8), to: "images.txt")
        #expect(failure { _ = try open("birdsnap", folder) }?.what.contains("no column 'species_id'") == true)
    }

    private func voc(_ base: String = "VOCdevkit/VOC2007") throws -> Scratch {
        let folder = Scratch()
        let classes = [
            "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
            "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
        ]
        let shown = ["000005": ["dog", "person"], "000007": ["car"], "000009": ["person", "horse"], "000012": []]
        try folder.write(Array("000009\n000005\n000012\n000007\n".utf8), to: "\(base)/ImageSets/Main/train.txt")
        for name in classes {
            // The person of 000007 is difficult.
            let lines = shown.sorted { $0.key < $1.key }.map { image, classes in
                "\(image) \(classes.contains(name) ? " 1" : image == "000007" && name == "person" ? " 0" : "-1")\n"
            }
            try folder.write(Array(lines.joined().utf8), to: "\(base)/ImageSets/Main/\(name)_train.txt")
        }
        for (grey, image) in shown.keys.sorted().enumerated() {
            try folder.write(UInt8(grey), to: "\(base)/JPEGImages/\(image).jpg")
        }
        return folder
    }

    @Test func vocHasOneLabelAnImage() throws {
        let folder = try voc()
        let first = try open("voc", folder)
        // horse, dog, none, car; of a horse with a person the first by name.
        #expect(try labels(first) == [12, 11, 6] && greys(first) == [2, 0, 1])
        #expect(first.classNames.count == 20 && first.classNames[6] == "car")
        #expect(first.omissions.count(.unlabelled) == 1)
        let all = try open("voc", folder, ",class=all"), marks = try #require(try all.marks(at: 0))
        #expect(try labels(all) == [12, 11, 6] && marks.count == 20 && marks.reduce(0) { $0 + Int($1) } == 2)
        #expect(marks[12] == 1 && marks[14] == 1)
        // The person of the car is difficult, and does not count.
        #expect(try all.marks(at: 2).map { Array($0)[14] } == 255 && first.marks(at: 0) == nil)
        let batch = try DatasetSource(all, side: 8).batch(0..<3)
        #expect(batch.marks?.shape == [3, 20])
        let rows = try (0..<3).flatMap { Array(try all.marks(at: $0) ?? []) }
        #expect(batch.marks?.withUnsafeBytes(Array.init) == rows)
        let person = try open("voc", folder, ",class=person")
        #expect(try labels(person) == [1, 1, 0] && greys(person) == [2, 0, 3])
        #expect(person.classNames == ["no person", "person"] && person.omissions.count(.unlabelled) == 1)
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/VOC2012/ImageSets/Main", withIntermediateDirectories: true)
        #expect(failure { _ = try open("voc", folder) }?.remedy.contains("year=") == true)
        #expect(try open("voc", folder, ",year=2007").count == 3)
        #expect(failure { _ = try open("voc", folder, ",class=fish") }?.kind == .usage)
        #expect(failure { _ = try open("voc", folder, ",year=2007", split: "test") }?.kind == .noInput)
    }

    // MARK: ImageNet

    /// Folders, and validation images that lie flat, are what the tars are.
    @Test func theFormsOfImageNetAgree() throws {
        let tars = try Miniature("imagenet"), folder = Scratch()
        for (split, answer) in tars.answers {
            for image in answer.images {
                let path = try #require(image.place.string)
                let name = split == "train" ? path : "val/\(path.split(separator: "/").last ?? "")"
                try folder.write(UInt8(try #require(image.grey)), to: name)
            }
        }
        try FileManager.default.copyItem(
            atPath: "\(tars.folder.path)/ILSVRC2012_devkit_t12", toPath: "\(folder.path)/ILSVRC2012_devkit_t12")
        for split in ["train", "val"] {
            let one = try tars.open("imagenet", split), other = try open("imagenet", folder, split: split)
            #expect(try one.classNames == other.classNames && labels(one) == labels(other))
            #expect(try greys(one) == greys(other))
        }
        // A hundred of them, or two.
        try folder.write(
            Array(#"{"0": ["n02012849", "crane"], "7": ["n01440764", "tench"]}"#.utf8),
            to: "imagenet100_class_index.json")
        let some = try open("imagenet100", folder)
        #expect(
            try some.classNames == ["n01440764", "n02012849"] && labels(some) == [0, 0, 0, 1, 1, 1]
                && greys(some).count == 6)
        try folder.write(Array("n01443537\n".utf8), to: "list.txt")
        for place in [folder, tars.folder] {
            let one = try open("imagenet100", place, ",index=\(folder.path)/list.txt", split: "val")
            #expect(try one.classNames == ["n01443537"] && labels(one) == [0, 0])
        }
        try FileManager.default.removeItem(atPath: "\(folder.path)/val/ILSVRC2012_val_00000002.JPEG")
        let val = try open("imagenet", folder, split: "val")
        #expect(val.count == 4 && val.omissions.count(.gone) == 1)
        // Packed, it says the same.
        let unpacked = try tars.open("imagenet", "val")
        try FileManager.default.removeItem(atPath: "\(tars.folder.path)/ILSVRC2012_devkit_t12")
        let packed = try tars.open("imagenet", "val")
        #expect(try labels(packed) == labels(unpacked) && packed.classNames == unpacked.classNames)
        try FileManager.default.removeItem(atPath: "\(tars.folder.path)/ILSVRC2012_devkit_t12.tar.gz")
        #expect(failure { _ = try tars.open("imagenet", "val") }?.remedy.contains("devkit") == true)
        try folder.write([1], to: "train/n02012850/notes.txt")
        #expect(failure { _ = try open("imagenet", folder) }?.what.contains("n02012850 has no images") == true)
    }

    // MARK: WebDataset and folders

    /// A tar in the old form, of name and content.
    private func tar(_ members: [(String, [UInt8])]) -> [UInt8] {
        members.flatMap { name, content in
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, _ offset: Int) {
                header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
            }
            put(name, 0)
            put("0000644", 100)
            let size = String(content.count, radix: 8)
            put(String(repeating: "0", count: 11 - size.count) + size, 124)
            put("00000000000", 136)
            put("        ", 148)
            put("0", 156)
            put("ustar\u{0}00", 257)
            let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
            put(String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} ", 148)
            return header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
        } + [UInt8](repeating: 0, count: 1024)
    }

    private func png(_ grey: UInt8) throws -> [UInt8] { try Image(width: 2, height: 2, grey: grey).pngBytes() }

    @Test func shardsAreReadInOrder() throws {
        let folder = Scratch()
        try folder.write(
            tar([
                ("a/7.seg.png", try png(1)), ("a/7.png", try png(2)), ("a/7.cls", Array("3\n".utf8)),
                ("b.cls", Array("0".utf8)), ("b.jpg", try png(3)), ("c.txt", [1]), ("../d.png", try png(9)),
            ]), to: "train/0001.tar")
        try folder.write(
            tar([("z.png", try png(4)), ("z.cls", [UInt8(ascii: "1")]), ("y.jpg", try png(5))]), to: "train/0000.tar")
        let dataset = try open("webdataset", folder, split: "train")
        #expect(try labels(dataset) == [1, 3, 0] && greys(dataset) == [4, 2, 3])
        #expect(dataset.classNames == ["0", "1", "2", "3"])
        #expect(dataset.omissions.count(.unlabelled) == 1 && dataset.omissions.count(.unsafeMember) == 1)
        let all = try open("webdataset", folder, ",labels=none", split: "train")
        #expect(try labels(all) == [0, 0, 0, 0] && greys(all) == [4, 5, 2, 3])
        try folder.write(Array("ant\nbee\ncat\ndog\n".utf8), to: "classnames.txt")
        #expect(try open("webdataset", folder, split: "train").classNames == ["ant", "bee", "cat", "dog"])
        let one = try Datasets.open("webdataset:\(folder.path)/train/0000.tar")
        #expect(try labels(one) == [1])
        #expect(failure { _ = try open("webdataset", folder) }?.kind == .noInput)
        #expect(failure { _ = try open("webdataset", folder, split: "..") }?.kind == .data)
        try folder.write(tar([("a.png", try png(2)), ("a.cls", Array("-1".utf8))]), to: "train/0000.tar")
        #expect(failure { _ = try open("webdataset", folder, split: "train") }?.what.contains("a.cls") == true)
    }

    @Test func foldersMayBeFlat() throws {
        let folder = Scratch()
        for (grey, name) in ["b.png", "a/c.png", "a.jpg"].enumerated() { try folder.write(UInt8(grey), to: name) }
        let dataset = try open("imagefolder", folder, ",labels=none")
        #expect(try labels(dataset) == [0, 0, 0] && greys(dataset) == [2, 0, 1] && dataset.classNames == ["image"])
        #expect(dataset.identity["labels"]?.string == "none")
        let split = try open("imagefolder", folder, ",labels=none", split: "a")
        #expect(try greys(split) == [1])
        let flat = failure { _ = try open("imagefolder", folder, "/a") }
        #expect(flat?.kind == .noInput && flat?.remedy.contains(",labels=none") == true)
        #expect(failure { _ = try open("imagefolder", folder, ",labels=none", split: "b") }?.kind == .noInput)
    }

    // MARK: LSUN

    @Test func aDatabaseByItselfIsOneClass() throws {
        let folder = try Miniature("lsun").folder
        let tower = try Datasets.open("lsun:\(folder.path)/tower_train_lmdb")
        #expect(try tower.count == 2 && labels(tower) == [0, 0] && tower.classNames == ["tower_train_lmdb"])
        let val = try open("lsun", folder, split: "val")
        #expect(val.count == 1 && val.classNames == ["bedroom"])
        #expect(failure { _ = try open("lsun", folder, split: "test") }?.kind == .noInput)
        // All are smaller than 512 x 384.
        let small = failure { _ = try open("lsun", folder, ",crop=cars") }
        #expect(small?.kind == .noInput && small?.what.contains("5 images that are too small") == true)
    }

    /// The cars of the paper's real arm; the sizes of the others are 511 x 400, and 540 x 400, of which 379 rows are left.
    @Test func carsAreCutAsForStyleGAN2() throws {
        let name = Miniature.fixture("answers.json").path
        let answers = try JSONValue(parsing: String(contentsOfFile: name, encoding: .utf8), name: name)
        let dataset = try Datasets.open("lsun:\(Miniature.fixture("car").path),crop=cars")
        #expect(dataset.count == 1 && dataset.omissions.count(.small) == 2 && dataset.classNames == ["car"])
        let image = try dataset.sample(at: 0).image
        #expect(image.width == 384 && image.height == 384)
        let expected = try #require(answers["car"]?["pixels"]?.array).map { UInt8($0.integer ?? -1) }
        let found: [UInt8] = image.withPlanes { planes in
            var values: [UInt8] = []
            for y in stride(from: 0, to: 384, by: 48) {
                for x in stride(from: 0, to: 384, by: 48) {
                    for plane in 0..<3 { values.append(planes[(plane * 384 + y) * 384 + x]) }
                }
            }
            return values
        }
        #expect(found == expected)
        #expect(try Datasets.open("lsun:\(Miniature.fixture("car").path)").count == 3)
    }
}
