import HLFormats
import HLTensor

/// A data set as a user named it: the kind, where it lies, and what was said of it.
struct DatasetPlace: Sendable {
    /// The kind's name.
    let kind: String
    /// As it was written.
    let path: String
    /// The one that was named, or the kind's standard.
    let split: String?
    let options: DatasetOptions
    /// Given ones and standards, in the kind's order.
    private let settings: [(name: String, value: String)]

    init(
        kind: String, path: String, split: String?, settings: [(name: String, value: String)], _ options: DatasetOptions
    ) {
        self.kind = kind
        self.path = path
        self.split = split
        self.settings = settings
        self.options = options
    }

    /// The value of a setting that has a standard; empty for one that has none and was not given.
    subscript(setting: String) -> String { settings.first { $0.name == setting }?.value ?? "" }

    /// For messages, such as `dtd:textures (train)`.
    var source: String { "\(kind):\(SystemPath(path).shown)" + (split.map { " (\($0))" } ?? "") }

    /// The first members of `hl.data`.
    var identity: JSONObject {
        var object: JSONObject = ["kind": .string(kind), "directory": .string(path)]
        if let split { object["split"] = .string(split) }
        for (name, value) in settings { object[name] = Int64(value).map { .integer($0) } ?? .string(value) }
        return object
    }

    /// The same place as a whole.
    var withoutSplit: DatasetPlace {
        var options = options
        options.split = nil
        return DatasetPlace(kind: kind, path: path, split: nil, settings: settings, options)
    }

    /// The folder in which one of `markers` lies: the user's own, or a folder in it such as archives and torchvision make.
    ///
    /// - Throws: `Failure(.noInput)` where none does.
    func base(holding markers: [String], in nested: [String] = []) throws -> ConfinedFolder {
        let top = try ConfinedFolder(SystemPath(path))
        for name in nested.isEmpty ? [] : [""] + nested {
            guard name.isEmpty || top.holds(name) else { continue }
            let folder = name.isEmpty ? top : try top.folder(name)
            if markers.contains(where: folder.holds) { return folder }
        }
        if markers.contains(where: top.holds) { return top }
        throw Failure(
            .noInput, "\(top.path.shown) is no \(kind): it has no \(markers.joined(separator: ", and no "))",
            "name the folder that the published archives were unpacked in")
    }
}
