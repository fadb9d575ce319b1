extension StreamHeader {
    /// All that the header says, for programs.
    package var json: JSONObject {
        var object: JSONObject = ["version": .integer(Int64(version))]
        object["generator"] = generator
        object["data"] = data
        for (key, value) in ownJSON.members { object[key] = value }
        return object
    }

    /// The part that streams which are joined need not have in common.
    package var ownJSON: JSONObject {
        var object = JSONObject()
        object["latent"] = latent
        if !metadata.isEmpty {
            var all = JSONObject()
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { all[key] = .string(value) }
            object["metadata"] = .object(all)
        }
        object["history"] = .array(history.map { .object($0.json) })
        return object
    }
}
