import HLFormats
import HLTensor

/// Which encoder made embeddings, as far as headers say: distances are of its features and of no others.
struct EmbeddingSpace {
    private let role: String
    private var stated: StatedEncoder?
    /// `hl.encoder`; nil where the header has none.
    var encoder: JSONValue? { stated?.json }
    var fingerprint: String? { stated?.fingerprint }
    /// Whether some header names no encoder.
    private(set) var hasUnnamed = false

    init(role: String) { self.role = role }

    /// Takes in the headers that a batch's samples are of.
    /// - Throws: `Failure` (incompatible) for another encoder than before; data for what is no description of one.
    mutating func add(_ batch: Batch, _ header: StreamHeader) throws {
        for header in batch.parts.isEmpty ? [header] : batch.parts.map(\.segment.header) {
            let other = try header.statedEncoder(of: role)
            guard let second = other?.fingerprint else {
                hasUnnamed = true
                continue
            }
            if stated == nil { stated = other }
            if fingerprint != second {
                throw Failure(
                    .incompatible, "the \(role) joins embeddings of several encoders", "use one encoder for all")
            }
        }
    }

    /// Such as `resnet18 of encoder.safetensors, layer4, 0f3a12cd89ab`.
    var text: String {
        guard let encoder else { return "an encoder that the header does not name" }
        let name = encoder["arch"]?.string ?? "an encoder"
        return [
            name + (encoder["file"]?.string.map { " of \($0)" } ?? ""), encoder["layer"]?.string,
            fingerprint.map { String($0.prefix(12)) }, encoder["supervision"]?.string.map { "trained with \($0)" },
        ].compactMap { $0 }.joined(separator: ", ")
    }
}
