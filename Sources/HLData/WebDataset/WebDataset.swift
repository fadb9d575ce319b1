import HLFormats
import HLTensor

/// Tar shards as the library WebDataset writes them: a sample is what has one name up to the first point after the last
/// slash; `.jpg`, `.jpeg`, `.png` or `.webp` is its image and `.cls` its label, a number in digits. Shards are read in the
/// order of their names, samples in the order of the archive.
enum WebDataset {
    static let kind = DatasetKind(
        name: "webdataset", place: "DIR|FILE.tar", abstract: "WebDataset shards: .tar files of KEY.jpg and KEY.cls",
        settings: [
            DatasetSetting(
                "labels", .choice(["cls", "none"]), standard: "cls", "the numbers in KEY.cls, or one class for all")
        ] + SeededSplit.settings,
        open: { try SeededSplit.open($0, open) })

    private static let imageEndings: Set<String> = ["jpg", "jpeg", "png", "webp"]
    /// Beyond any set of images; a number in a file must not make a list of names that fills the memory.
    private static let mostClasses = 1 << 20

    private static func open(_ place: DatasetPlace) throws -> LabelledImages {
        let (paths, names) = try shards(place)
        let archives = try paths.map { try TarArchive(path: $0.text) }
        var members: [TarStore.Member] = [], labels: [Int32] = [], omissions = TarStore.omissions(of: archives)
        for (number, archive) in archives.enumerated() {
            for sample in samples(of: archive) {
                guard let image = sample.image else { continue }
                let name = SystemPath(archive.name(at: image))
                if place["labels"] == "none" {
                    labels.append(0)
                } else if let member = sample.label {
                    labels.append(try label(archive.section(at: member)))
                } else {
                    omissions.add(.unlabelled, SystemPath(archive.name) / name)
                    continue
                }
                members.append(.init(archive: Int32(number), index: Int32(image)))
            }
        }
        if members.isEmpty && omissions.count(.unlabelled) > 0 {
            throw Failure(
                .data, "\(place.source) has no labels: no KEY.cls beside the images",
                "write ,labels=none behind it to read the images as one class")
        }
        let count = Int(labels.max() ?? 0) + 1
        guard names.isEmpty || names.count >= count else {
            throw Failure(
                .data, "\(place.source): a sample has the label \(count - 1), and classnames.txt has \(names.count)",
                "complete classnames.txt or remove it")
        }
        let classes = names.isEmpty ? (0..<count).map(String.init) : names
        return try LabelledImages(
            place, classNames: place["labels"] == "none" ? ["image"] : classes, labels: labels,
            TarStore(archives: archives, members: members), omitting: omissions)
    }

    /// The tars, and the names of the classes where `classnames.txt` says them.
    private static func shards(_ place: DatasetPlace) throws -> ([SystemPath], [String]) {
        if place.path.hasSuffix(".tar") {
            guard place.split == nil else {
                throw Failure(.usage, "a single tar has no splits", "leave out --split")
            }
            return ([SystemPath(place.path)], [])
        }
        let top = try ConfinedFolder(SystemPath(place.path))
        if let split = place.split {
            let name = try ConfinedFolder.checked(split, from: "--split")
            guard top.holds(name.text) else {
                throw Failure(
                    .noInput, "no split '\(split)' in \(top.path.shown)", "name a folder of tars that is there")
            }
        }
        let folder = try place.split.map { try top.folder($0) } ?? top
        let tars = try folder.listing().files.filter { $0.hasEnding([".tar"]) }
        guard !tars.isEmpty else {
            throw Failure(
                .noInput, "\(folder.path.shown) has no .tar files",
                "name the folder of the shards, or the one above it and --split")
        }
        let named = [folder, top].first { $0.holds("classnames.txt") }
        return (try tars.map { try folder.file($0) }, try named?.lines("classnames.txt").map(String.init) ?? [])
    }

    private struct Sample {
        var image: Int?
        var label: Int?
    }

    /// Neighbours of one key, as the library groups them.
    private static func samples(of archive: TarArchive) -> [Sample] {
        var samples: [Sample] = [], last: Substring?
        for index in 0..<archive.count {
            let name = archive.name(at: index)
            let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
            guard let point = name[start...].firstIndex(of: "."), point > start else { continue }
            let key = name[..<point], ending = name[name.index(after: point)...].lowercased()
            if key != last { samples.append(Sample()) }
            last = key
            if imageEndings.contains(ending) {
                samples[samples.count - 1].image = samples[samples.count - 1].image ?? index
            } else if ending == "cls" {
                samples[samples.count - 1].label = index
            }
        }
        return samples
    }

    private static func label(_ section: FileSection) throws -> Int32 {
        let text = try section.read(limit: 64).withBytes { String(decoding: $0, as: UTF8.self) }
        guard let label = Int32(text.filter { !$0.isWhitespace }), (0..<Int32(mostClasses)).contains(label) else {
            throw Failure(.data, "\(section.name) is no label from 0", "write the class's number in digits")
        }
        return label
    }
}
