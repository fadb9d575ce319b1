import HLFormats

/// Where the ids of a stream count. Two samples are the same when origin and id are.
struct SampleOrigin: Equatable {
    private let source: JSONValue
    private let seed: JSONValue

    init(_ header: StreamHeader) {
        if let data = header.data {
            // Neither the size nor the order of reading makes another image of it.
            source = Self.members(["kind", "directory", "split", "source"], of: data)
            seed = .null
            return
        }
        // A latent stays the same sample however it is rendered.
        source = Self.members(["name", "sha256", "chunks", "dimension"], of: header.generator ?? .null)
        if let file = header.latent?["file"] {
            seed = file
        } else if let stated = header.latent?["seed"] {
            seed = stated
        } else {
            seed = header.history.first?.json["seed"] ?? .null
        }
    }

    private static func members(_ keys: [String], of value: JSONValue) -> JSONValue {
        var object = JSONObject()
        for key in keys { object[key] = value[key] }
        return .object(object)
    }

    /// For reports; null where there is none.
    var json: JSONValue { ["source": source, "seed": seed] }
}
