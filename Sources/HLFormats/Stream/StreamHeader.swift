import HLTensor

/// One program that touched a stream.
package struct HistoryEntry: Sendable, Equatable {
    /// As in the stream, with whatever other programs put there.
    package var json: JSONObject

    package init(json: JSONObject) { self.json = json }

    package init(tool: String, version: String, arguments: [String], seed: UInt64? = nil) {
        json = [
            "tool": .string(tool), "version": .string(version), "arguments": .array(arguments.map { .string($0) }),
        ]
        if let seed { json["seed"] = .seed(seed) }
    }

    package var tool: String? { json["tool"]?.string }
    package var version: String? { json["version"]?.string }
    package var arguments: [String] { json["arguments"]?.array?.compactMap(\.string) ?? [] }

    package var seed: UInt64? { json["seed"]?.seed }
}

/// The first record of a stream: where its samples come from. What this version does not know is carried along.
package struct StreamHeader: Sendable {
    /// The version that this code reads and writes.
    package static let currentVersion = 1

    /// The metadata that says which part of images was cut out before training.
    package static let crop = "hl.crop"

    /// The major version of the stream as it was read.
    package let version: Int
    /// Name, weights file, its SHA-256, chunks, chunk dimension, resolution, latent space and how to render.
    package var generator: JSONValue?
    /// For real images, instead of `generator`.
    package var data: JSONValue?
    /// The distribution of the anchors.
    package var latent: JSONValue?
    package var history: [HistoryEntry]
    /// All other metadata.
    package var metadata: [String: String]
    /// None in version 1; carried along.
    package var tensors: NamedTensors

    package init(
        generator: JSONValue? = nil, data: JSONValue? = nil, latent: JSONValue? = nil, history: [HistoryEntry] = [],
        metadata: [String: String] = [:]
    ) {
        version = Self.currentVersion
        self.generator = generator
        self.data = data
        self.latent = latent
        self.history = history
        self.metadata = metadata
        tensors = NamedTensors()
    }

    /// - Parameter name: of the stream, for messages.
    /// - Throws: `Failure`: incompatible for another major version, data for anything malformed.
    package init(_ file: TensorFile, name: String) throws {
        var rest = file.metadata
        rest["hl.kind"] = nil
        let version = rest.removeValue(forKey: "hl.version") ?? "none"
        guard let major = version.split(separator: ".").first.flatMap({ Int($0) }) else {
            throw Failure(.data, "\(name) has the stream version \(version)", "make it again with these programs")
        }
        guard major == Self.currentVersion else {
            throw Failure(
                .incompatible, "\(name) is a stream of version \(version), this program reads version 1",
                "use programs of one release")
        }
        self.version = major
        func take(_ key: String) throws -> JSONValue? {
            try rest.removeValue(forKey: key).map { try JSONValue(parsing: $0, name: "\(key) of \(name)") }
        }
        generator = try take("hl.generator")
        data = try take("hl.data")
        latent = try take("hl.latent")
        let entries = try take("hl.history") ?? []
        guard let objects = entries.array?.map(\.object), objects.allSatisfy({ $0 != nil }) else {
            throw Failure(.data, "hl.history of \(name) is not a list of objects", "make the stream again")
        }
        history = objects.compactMap { $0.map(HistoryEntry.init(json:)) }
        metadata = rest
        tensors = file.tensors
    }

    package var file: TensorFile {
        var all = metadata
        all["hl.kind"] = "header"
        all["hl.version"] = String(Self.currentVersion)
        all["hl.generator"] = generator?.text
        all["hl.data"] = data?.text
        all["hl.latent"] = latent?.text
        all["hl.history"] = JSONValue.array(history.map { .object($0.json) }).text
        return TensorFile(tensors: tensors, metadata: all)
    }

    /// The header with one more program in its history.
    package func appending(history entry: HistoryEntry) -> StreamHeader {
        var result = self
        result.history.append(entry)
        return result
    }

    /// What was done to the samples of several streams, of which nothing is lost: the one history that all have, else one
    /// entry with every history, under `joined`.
    package static func history(joining headers: [StreamHeader]) -> [HistoryEntry] {
        var histories: [[HistoryEntry]] = []
        for header in headers where !histories.contains(header.history) { histories.append(header.history) }
        if histories.count < 2 { return histories.first ?? [] }
        let joined = histories.map { JSONValue.array($0.map { .object($0.json) }) }
        return [HistoryEntry(json: ["joined": .array(joined)])]
    }
}
