import Glibc
import HLCommand
import HLFormats
import HLTensor

/// What a file of weights holds: an encoder, walker, discriminator or generator, what a stopped run goes on from, or a
/// foreign model.
struct ModelDescription {
    /// Such as `encoder`; nil for a file that does not say.
    private let kind: String?
    private let metadata: [String: String]
    private let history: [HistoryEntry]
    private let tensors: [(name: String, type: ElementType, shape: [Int])]

    /// Whether a path is of such a file, by its first bytes. Pipes are streams.
    static func describes(_ path: String) -> Bool {
        var status = stat()
        guard path != "-", stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            let form = try? PeekingSource(path: path).form
        else { return false }
        return [.safetensors, .zip, .pickle].contains(form.kind)
    }

    /// Reads what the file says of its tensors, not the tensors.
    /// - Throws: `Failure`: noInput, or data for a damaged file.
    init(path: String) throws {
        let file = try ModelFile.open(path: path)
        if case .safetensors(_, let metadata) = file { self.metadata = metadata } else { metadata = [:] }
        kind = metadata["hl.kind"]
        history =
            try metadata["hl.history"].map { text in
                let entries = try JSONValue(parsing: text, name: "hl.history of \(path)").array ?? []
                return entries.compactMap(\.object).map(HistoryEntry.init(json:))
            } ?? []
        tensors = try file.tensors().map { ($0.name, $0.tensor.type, $0.tensor.shape) }.sorted { $0.0 < $1.0 }
    }

    private var elements: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }
    private var bytes: Int { tensors.reduce(0) { $0 + $1.shape.reduce(1, *) * $1.type.size } }

    /// What else the metadata say, in the order of their names.
    private var remarks: [(key: String, value: String)] {
        metadata.filter { !["hl.kind", "hl.version", "hl.history"].contains($0.key) }
            .map { (key: $0.key.hasPrefix("hl.") ? String($0.key.dropFirst(3)) : $0.key, value: $0.value) }
            .sorted { $0.key < $1.key }
    }

    /// What the metadata say, a line each.
    var heading: String {
        var lines = ["kind       \(kind ?? "weights")" + (metadata["hl.version"].map { ", version \($0)" } ?? "")]
        for (key, value) in remarks {
            lines.append(key + String(repeating: " ", count: max(2, 11 - key.count)) + value)
        }
        lines += HeaderDescription.lines(of: history)
        return HeaderDescription.text(lines)
    }

    /// The tensors, and their totals.
    var text: String {
        let lines = tensors.map { tensor in
            let shape = tensor.shape.isEmpty ? "scalar" : tensor.shape.map(String.init).joined(separator: " x ")
            return "tensor     \(tensor.name) \(tensor.type.rawValue) \(shape)"
        }
        return HeaderDescription.text(
            lines + ["total      \(counted(tensors.count, "tensor", "tensors")), \(elements) elements, \(bytes) bytes"])
    }

    /// - Parameter isComplete: with the tensors.
    func json(isComplete: Bool) -> JSONValue {
        var object: JSONObject = ["kind": .string(kind ?? "weights")]
        object["version"] = metadata["hl.version"].map { .string($0) }
        for (key, value) in remarks {
            // Most of it is JSON itself; a number as text stays what it is.
            let parsed = value.hasPrefix("{") ? try? JSONValue(parsing: value, name: key) : nil
            object[key] = parsed ?? .string(value)
        }
        if !history.isEmpty { object["history"] = .array(history.map { .object($0.json) }) }
        guard isComplete else { return .object(object) }
        object["tensors"] = .array(
            tensors.map { tensor in
                [
                    "name": .string(tensor.name), "type": .string(tensor.type.rawValue),
                    "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                ]
            })
        object["elements"] = .integer(Int64(elements))
        object["bytes"] = .integer(Int64(bytes))
        return .object(object)
    }
}
