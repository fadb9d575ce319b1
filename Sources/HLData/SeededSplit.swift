import HLFormats
import HLTensor

/// A part of a data set that has no published split: of each class a share, drawn by seed, is held out, and the rest is for
/// training. Every image is in one of the two.
struct SeededSplit: ImageDataset {
    private let whole: any ImageDataset
    private let place: DatasetPlace
    /// Positions in the whole, ascending.
    private let chosen: [Int32]

    /// For kinds of data sets that can be parted so.
    static let settings = [
        DatasetSetting(
            "holdout", .share, standard: nil, "share of each class that --split test takes, and train leaves"),
        DatasetSetting("split-seed", .seed, standard: nil, "of the draw; default 0"),
    ]

    private static let splits = ["train", "test"]

    /// The data set of a place, of which a part is taken where the user asks for it.
    /// - Parameter open: opens the whole, for a place without a split.
    /// - Throws: `Failure`: usage for settings that do not go together, noInput where nothing is left.
    static func open(
        _ place: DatasetPlace, _ open: (DatasetPlace) throws -> any ImageDataset
    ) throws -> any ImageDataset {
        guard let share = Double(place["holdout"]) else {
            guard place["split-seed"].isEmpty else {
                throw Failure(
                    .usage, "split-seed= is for a split that is drawn", "give holdout= too, such as holdout=0.1")
            }
            return try open(place)
        }
        let split = place.split ?? splits[0]
        guard splits.contains(split) else {
            throw Failure(
                .usage, "with holdout= the splits are train and test, not '\(split)'",
                "name the folder \(place.path)/\(split) as the data set, or leave out holdout=")
        }
        return try SeededSplit(open(place.withoutSplit), place, split, holding: share)
    }

    private init(_ whole: any ImageDataset, _ place: DatasetPlace, _ split: String, holding share: Double) throws {
        self.whole = whole
        self.place = place
        let seed = UInt64(place["split-seed"]) ?? 0
        var members: [Int: [Int32]] = [:]
        for index in 0..<whole.count { members[try whole.label(at: index), default: []].append(Int32(index)) }
        var chosen: [Int32] = []
        for (label, images) in members {
            let count = Int((Double(images.count) * share).rounded())
            let order = Permutation(count: images.count, seed: seed, purpose: .split, group: label)
            let range = split == "test" ? 0..<count : count..<images.count
            chosen += order.elements(at: range).map { images[$0] }
        }
        guard !chosen.isEmpty else {
            throw Failure(
                .noInput, "holdout=\(place["holdout"]) leaves nothing for --split \(split)",
                "give a share that leaves images in both")
        }
        self.chosen = chosen.sorted()
    }

    var source: String { "\(whole.source) (\(place.split ?? Self.splits[0]))" }
    var classNames: [String] { whole.classNames }
    var count: Int { chosen.count }
    var omissions: Omissions { whole.omissions }
    var history: [HistoryEntry] { whole.history }

    var identity: JSONObject {
        var object = whole.identity
        object["split"] = .string(place.split ?? Self.splits[0])
        object["holdout"] = .string(place["holdout"])
        object["split-seed"] = .seed(UInt64(place["split-seed"]) ?? 0)
        return object
    }

    func label(at index: Int) throws -> Int { try whole.label(at: Int(chosen[index])) }

    func marks(at index: Int) throws -> ArraySlice<UInt8>? { try whole.marks(at: Int(chosen[index])) }

    /// Ids are positions in the whole, so that nothing of the two parts is ever the same sample.
    func encodedSample(at index: Int) throws -> EncodedSample { try whole.encodedSample(at: Int(chosen[index])) }
}
