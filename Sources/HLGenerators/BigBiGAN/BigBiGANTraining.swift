import HLFormats
import HLTensor

/// What the file of a generator that hl-train made says of its training: what holds content in chunk 0, and whether it has
/// seen labels. It goes into the header of every stream, since it decides what results on the generator mean.
struct BigBiGANTraining: Sendable {
    /// `none`, `infonce` or `cells`.
    private let content: String
    private let hasSeenLabels: Bool

    private static let key = "hl.generator"

    /// - Parameter metadata: of a safetensors file.
    /// - Returns: nil for files of others, which do not say.
    /// - Throws: `Failure(.data)` for what hl-train does not write.
    init?(metadata: [String: String]) throws {
        guard let text = metadata[Self.key] else { return nil }
        let json = try JSONValue(parsing: text, name: Self.key)
        guard let content = json["content"]?.string, let hasSeenLabels = json["has_seen_labels"]?.bool else {
            throw Failure(.data, "its \(Self.key) does not say how it was trained", "train the generator again")
        }
        self.content = content
        self.hasSeenLabels = hasSeenLabels
    }

    /// Members of a header's generator, and whether a value is one of theirs.
    static let members: [String: @Sendable (JSONValue) -> Bool] = [
        "content": { $0.string != nil }, StreamHeader.labelsSeen: { $0.bool != nil },
    ]

    var json: JSONObject {
        var object: JSONObject = ["content": .string(content)]
        if hasSeenLabels { object[StreamHeader.labelsSeen] = true }
        return object
    }
}

extension StreamHeader {
    fileprivate static let labelsSeen = "has_seen_labels"

    /// Whether the generator of the stream was trained with labels, which whatever is made of it has seen then too.
    package var generatorHasSeenLabels: Bool { generator?[Self.labelsSeen]?.bool ?? false }
}
