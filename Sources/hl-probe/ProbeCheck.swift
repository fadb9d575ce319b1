import HLFormats
import HLTensor

/// Refuses sets on which an accuracy would mean nothing.
enum ProbeCheck {
    /// - Throws: `Failure` (incompatible).
    static func origins(_ train: ProbeSet, _ test: ProbeSet) throws {
        if SampleOrigin(train.header) == SampleOrigin(test.header) {
            let known = Set(train.ids)
            let shared = Set(test.ids.filter(known.contains))
            if let least = shared.min() {
                throw Failure(
                    .incompatible, "train and test set share \(shared.count) samples, such as id \(least)",
                    "draw the test set with another --seed or from another --start")
            }
        }
    }

    /// - Throws: `Failure` (incompatible) for samples of different size or type.
    static func shapes(_ train: ProbeSet, _ test: ProbeSet) throws {
        func text(_ set: ProbeSet) -> String {
            "\(set.content.type.rawValue) \(Array(set.content.shape.dropFirst()))"
        }
        guard text(train) == text(test) else {
            throw Failure(
                .incompatible, "a train sample is \(text(train)) and a test sample \(text(test))",
                "make both sets with the same options")
        }
    }

    /// - Throws: `Failure` (incompatible) for embeddings of two encoders, as far as the headers say.
    static func encoders(_ train: ProbeSet, _ test: ProbeSet) throws {
        func fingerprint(_ set: ProbeSet) throws -> String? {
            try set.header.metadata["hl.encoder"].flatMap {
                try JSONValue(parsing: $0, name: "hl.encoder of the \(set.role) set")["fingerprint"]?.string
            }
        }
        if let a = try fingerprint(train), let b = try fingerprint(test), a != b {
            throw Failure(
                .incompatible, "train and test set were embedded by different encoders", "use one encoder for both")
        }
    }

    static func finite(_ features: HostTensor, _ set: ProbeSet) throws {
        try features.requireFinite(
            "the \(set.role) set's embedding", ids: HostTensor(set.ids, shape: [set.count]),
            remedy: "train the encoder anew with a lower learning rate")
    }
}
