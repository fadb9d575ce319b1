import Glibc
import HLFormats
import HLTensor

/// Which tensors of a stream go on, and under which names. Ids always do: without them nobody knows where samples come from.
struct TensorSelection {
    /// Names, in which * stands for anything; nil keeps all.
    let keep: [String]?
    let drop: [String]
    /// Old names and new ones.
    let renamed: [(from: String, to: String)]

    static let ids = "id"

    /// - Throws: `Failure` (usage) for an empty name, a renaming that is none, or one that touches ids.
    init(keep: String?, drop: String?, rename: String?) throws {
        self.keep = try keep.map { try Self.list($0, of: "--keep") }
        self.drop = try drop.map { try Self.list($0, of: "--drop") } ?? []
        if self.drop.contains(Self.ids) {
            throw Failure(
                .usage, "ids cannot be dropped: without them nobody can tell whether samples were trained on",
                "leave id out of --drop")
        }
        renamed =
            try rename.map { try Self.list($0, of: "--rename") }?.map { text in
                let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, parts[0] != parts[1] else {
                    throw Failure(
                        .usage, "'\(text)' renames nothing", "give --rename OLD=NEW, or several joined by commas")
                }
                guard !parts.contains(Self.ids) else {
                    throw Failure(.usage, "ids keep their name", "leave id out of --rename")
                }
                // What safetensors calls something else.
                guard parts[1] != "__metadata__" else {
                    throw Failure(.usage, "no tensor can be called __metadata__", "give another name")
                }
                return (parts[0], parts[1])
            } ?? []
        for names in [renamed.map(\.from), renamed.map(\.to)] {
            if let twice = names.first(where: { name in names.filter { $0 == name }.count > 1 }) {
                throw Failure(.usage, "--rename has \(twice) twice", "give each name once")
            }
        }
    }

    private static func list(_ text: String, of option: String) throws -> [String] {
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard !names.contains("") else {
            throw Failure(.usage, "\(option) has an empty name", "give names joined by commas, such as z.0,x.*")
        }
        return names
    }

    /// The tensors that go on.
    /// - Throws: `Failure` (data) for a name that the stream does not have, or two tensors of one name.
    func applied(to tensors: NamedTensors) throws -> NamedTensors {
        func missing(_ name: String, of names: [String]) -> Failure {
            Failure(
                .data, "the stream has no tensor \(name)",
                "choose from \(names.sorted().joined(separator: ", "))")
        }
        for pattern in (keep ?? []) + drop where !tensors.names.contains(where: { Self.matches(pattern, $0) }) {
            throw missing(pattern, of: tensors.names)
        }
        for (name, _) in renamed where tensors[name] == nil { throw missing(name, of: tensors.names) }
        for (name, _) in renamed where !goesOn(name) {
            throw Failure(.data, "\(name) is renamed and does not go on", "leave it out of --rename, or keep it")
        }
        var result = NamedTensors()
        for name in tensors.names where goesOn(name) {
            let new = renamed.first { $0.from == name }?.to ?? name
            guard result[new] == nil else {
                throw Failure(
                    .data, "two tensors would be called \(new)", "drop one of them, or rename it to something else")
            }
            result[new] = tensors[name]
        }
        guard !result.names.isEmpty else {
            throw Failure(.data, "nothing of the stream is kept", "drop fewer tensors")
        }
        return result
    }

    private func goesOn(_ name: String) -> Bool {
        if name == Self.ids { return true }
        if let keep, !keep.contains(where: { Self.matches($0, name) }) { return false }
        return !drop.contains { Self.matches($0, name) }
    }

    private static func matches(_ pattern: String, _ name: String) -> Bool { fnmatch(pattern, name, 0) == 0 }
}
