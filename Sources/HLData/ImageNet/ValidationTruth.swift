import HLFormats
import HLTensor

/// The classes of ImageNet's validation images, from the devkit: `data/meta.mat` and
/// `data/ILSVRC2012_validation_ground_truth.txt`, a line an image with the class's number in the devkit.
struct ValidationTruth {
    /// WordNet ids, sorted.
    let classes: [String]
    /// WordNet ids of the images from 1.
    private let images: [String]

    private static let list = "ILSVRC2012_validation_ground_truth.txt"
    private static let devkit = "ILSVRC2012_devkit_t12"

    /// - Throws: `Failure`: noInput where there is no devkit, data for one that says something else.
    init(in folder: ConfinedFolder) throws {
        let places = ["\(Self.devkit)/data", "devkit/data", "data"]
        if let place = places.first(where: { folder.holds("\($0)/\(Self.list)") }) {
            try self.init(
                MatFile(path: folder.file("\(place)/meta.mat").text), folder.lines("\(place)/\(Self.list)"),
                "\(folder.path.shown)/\(place)/\(Self.list)")
            return
        }
        guard folder.holds("\(Self.devkit).tar.gz") else {
            throw Failure(
                .noInput,
                "\(folder.path.shown) has no \(Self.devkit).tar.gz, which gives the validation images their "
                    + "classes", "put the devkit there, packed or unpacked")
        }
        let path = try folder.file("\(Self.devkit).tar.gz").text
        // The published one unfolds to less than ten megabytes.
        let archive = try TarArchive(PositionedFile(inflating: path, atMost: 1 << 28).section)
        func member(_ name: String) throws -> FileSection {
            guard let index = archive.index(of: "\(Self.devkit)/data/\(name)") else {
                throw Failure(.data, "\(path) has no data/\(name)", "fetch the devkit again")
            }
            return archive.section(at: index)
        }
        let text = try member(Self.list).read(limit: 1 << 26).withBytes { String(decoding: $0, as: UTF8.self) }
        try self.init(
            MatFile(member("meta.mat")), text.split(whereSeparator: \.isNewline), "\(path): \(Self.list)")
    }

    private init(_ meta: MatFile, _ truth: [Substring], _ list: String) throws {
        guard let synsets = try meta.value("synsets").structures else {
            throw Failure(.data, "\(meta.path): 'synsets' is no list", "fetch the devkit again")
        }
        var ids: [Int: String] = [:]
        for index in 0..<synsets.count {
            guard let number = synsets[index, "ILSVRC2012_ID"]?.integer, let id = synsets[index, "WNID"]?.text,
                let children = synsets[index, "num_children"]?.integer
            else {
                throw Failure(.data, "\(meta.path): synset \(index + 1) has no number and id", "fetch the devkit again")
            }
            // The others are above the classes in WordNet.
            if children == 0 { ids[number] = id }
        }
        images = try truth.enumerated().map { index, line in
            guard let number = Int(line.filter { !$0.isWhitespace }), let id = ids[number] else {
                throw Failure(
                    .data, "\(list): line \(index + 1) is no class of meta.mat",
                    "fetch the devkit again")
            }
            return id
        }
        classes = ids.values.sorted()
    }

    /// The images of some classes with their labels, by label and number.
    func byClass(_ labels: [String: Int]) -> [(number: Int, label: Int)] {
        images.enumerated().compactMap { index, id in labels[id].map { (index + 1, $0) } }
            .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    }

    /// As published.
    static func name(of number: Int) -> String {
        let digits = String(number)
        return "ILSVRC2012_val_\(String(repeating: "0", count: max(0, 8 - digits.count)))\(digits).JPEG"
    }
}
