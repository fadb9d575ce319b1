import HLTensor

/// The data sets that this version reads. One more is a folder of its own and one more entry.
package enum Datasets {
    package static let all: [DatasetKind] = [ImageFolder.kind]

    /// How they are written, for help and messages: `imagefolder:DIR or …`.
    package static var forms: String { all.map(\.form).joined(separator: " or ") }

    /// The data set that `kind:path` names.
    /// - Throws: `Failure(.usage)` for another kind or no path, and whatever the kind refuses.
    package static func open(_ text: String, _ options: DatasetOptions = DatasetOptions()) throws -> any ImageDataset {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty, let kind = all.first(where: { $0.name == parts[0] }) else {
            throw Failure(.usage, "'\(text)' is not a data set", "write it as \(forms)")
        }
        return try kind.open(String(parts[1]), options)
    }
}
