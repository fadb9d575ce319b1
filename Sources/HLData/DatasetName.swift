import Glibc
import HLFormats
import HLTensor

/// `NAME:PATH,key=value,…`. Settings are read from the right, as long as their keys are known; a path that exists as it is
/// written is a path, whatever it looks like.
enum DatasetName {
    /// - Throws: `Failure(.usage)` for an unknown kind, no path, and settings that are unknown or given twice.
    static func parse(_ text: String, of kinds: [DatasetKind]) throws -> (
        kind: DatasetKind, path: String, settings: [String: String]
    ) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = kinds.first(where: { $0.name == parts[0] }) else {
            throw Failure(
                .usage, "'\(text)' is not a data set",
                "write it as NAME:PATH, where NAME is \(kinds.map(\.name).joined(separator: ", "))")
        }
        var path: Substring = parts.count == 2 ? parts[1] : "", settings: [String: String] = [:]
        while !exists(path), let comma = path.lastIndex(of: ",") {
            let setting = path[path.index(after: comma)...].split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = String(setting[0])
            guard setting.count == 2, kind.settings.contains(where: { $0.name == key }) else {
                // Where a beginning exists, it is the path and this was meant as a setting.
                if beginnings(of: path).contains(where: exists) { throw unknown(setting.map(String.init), kind) }
                break
            }
            guard settings.updateValue(String(setting[1]), forKey: key) == nil else {
                throw Failure(.usage, "\(key) is given twice in '\(text)'", "leave one of them out")
            }
            path = path[..<comma]
        }
        guard !path.isEmpty else {
            throw Failure(.usage, "'\(text)' does not say where the data set lies", "write it as \(kind.form)")
        }
        return (kind, String(path), settings)
    }

    private static func beginnings(of path: Substring) -> [Substring] {
        path.indices.filter { path[$0] == "," }.map { path[..<$0] }
    }

    private static func exists(_ path: Substring) -> Bool {
        !path.isEmpty && SystemPath(String(path)).withCString { access($0, F_OK) } == 0
    }

    private static func unknown(_ setting: [String], _ kind: DatasetKind) -> Failure {
        let known = kind.settings.map { "\($0.name)=\($0.form)" }
        return Failure(
            .usage, "\(kind.name) has no setting '\(setting.joined(separator: "="))'",
            known.isEmpty ? "leave it out" : "it has \(known.joined(separator: ", "))")
    }
}
