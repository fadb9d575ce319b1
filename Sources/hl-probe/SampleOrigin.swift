import Glibc
import HLFormats

/// Where the ids of a stream count. Two samples are the same when origin and id are.
struct SampleOrigin {
    private let source: JSONValue
    private let seed: JSONValue
    /// Of what lies there: the same for one folder or file, under whatever name it was given.
    private let fingerprint: String?
    /// A folder of images, or a file of latents.
    private let place: String?

    init(_ header: StreamHeader) {
        if let data = header.data {
            // Neither the size nor the order of reading makes another image of it.
            source = .object(Self.leaving(["classes", "count", "size", "fingerprint"], of: data))
            seed = .null
            fingerprint = data["fingerprint"]?.string
            place = data["directory"]?.string.map { directory in
                data["split"]?.string.map { "\(directory)/\($0)" } ?? directory
            }
            return
        }
        // A latent stays the same sample however it is rendered.
        var members = JSONObject()
        for key in ["name", "sha256", "chunks", "dimension"] { members[key] = header.generator?[key] }
        source = .object(members)
        place = header.latent?["file"]?.string
        fingerprint = place == nil ? nil : header.latent?["fingerprint"]?.string
        seed = header.latent?["file"] ?? header.latent?["seed"] ?? header.history.first?.json["seed"] ?? .null
    }

    private static func leaving(_ keys: [String], of value: JSONValue) -> JSONObject {
        var object = value.object ?? JSONObject()
        for key in keys { object[key] = nil }
        return object
    }

    /// For reports; null where there is none.
    var json: (source: JSONValue, seed: JSONValue) { (source, seed) }

    /// Whether the header says where the samples come from.
    var isKnown: Bool { source != .object([:]) }

    /// Whether an id stands for the same sample here and there.
    func isSame(as other: SampleOrigin) -> Bool {
        if source == other.source && seed == other.seed { return true }
        guard let place, let otherPlace = other.place, isSameKind(as: other) else { return false }
        return fingerprint != nil && fingerprint == other.fingerprint || Self.isSame(place, otherPlace)
    }

    /// Whether they differ in nothing but the place.
    private func isSameKind(as other: SampleOrigin) -> Bool {
        // Nor do other labels make another image, and the parts that are drawn of a set have the ids of the whole.
        let keys = ["directory", "split", "labels", "holdout", "split-seed"]
        return Self.leaving(keys, of: source) == Self.leaving(keys, of: other.source)
    }

    /// Whether two paths lead to one folder or file, on this machine or by their spelling.
    private static func isSame(_ a: String, _ b: String) -> Bool {
        if spelled(a) == spelled(b) { return true }
        var first = stat(), second = stat()
        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev
            && first.st_ino == second.st_ino
    }

    /// The path without `.`, `..` and doubled slashes, from the root on.
    private static func spelled(_ path: String) -> [Substring] {
        var whole = path
        if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
            whole = String(cString: current) + "/" + path
            free(current)
        }
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts
    }
}
