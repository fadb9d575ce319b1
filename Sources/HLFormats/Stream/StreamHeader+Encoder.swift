import HLTensor

/// The encoder that the embeddings of a stream are of, as its header says.
package struct StatedEncoder: Sendable {
    /// `hl.encoder`.
    package let json: JSONValue
    /// A number that is the same for the same weights and settings; nil where the header has none.
    package var fingerprint: String? { json["fingerprint"]?.string }
}

extension StreamHeader {
    /// Metadata that names the encoder of embeddings.
    package static let encoder = "hl.encoder"

    /// What `hl.encoder` says; nil where there is none.
    /// - Parameter role: of the stream, such as `train set`, for messages.
    /// - Throws: `Failure` (data) for what is no JSON.
    package func statedEncoder(of role: String? = nil) throws -> StatedEncoder? {
        try metadata[Self.encoder].map { text in
            StatedEncoder(json: try JSONValue(parsing: text, name: Self.encoder + (role.map { " of the \($0)" } ?? "")))
        }
    }
}
