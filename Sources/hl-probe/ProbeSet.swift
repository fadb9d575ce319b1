import HLCommand
import HLCompute
import HLFormats
import HLGenerators
import HLTensor

/// One side of a probe, read as a whole.
struct ProbeSet {
    /// `train` or `test`.
    let role: String
    let header: StreamHeader
    /// Position in the source, by which samples are told apart.
    let ids: [Int64]
    let labels: [Int64]
    /// Embeddings F32 [N, d], or images U8 or F32 [N, 3, H, W].
    let content: HostTensor

    var count: Int { labels.count }

    /// - Parameter wantsImages: takes images, rendered where there are only latents, instead of embeddings.
    /// - Throws: `Failure` (data) for an empty stream, or one without labels, ids or content.
    static func read(path: String, role: String, wantsImages: Bool, on backend: any Backend) throws -> ProbeSet {
        let reader = try StreamInput.open(path: path)
        let renderer = wantsImages ? try Renderer(reader.header, on: backend) : nil
        let batches = ReadAhead(reader)
        var ids: [Int64] = [], labels: [Int64] = [], parts: [HostTensor] = []
        while let batch = try batches.next() {
            labels += try batch.require("y", .i64, rank: 1).integers
            ids += try batch.require("id", .i64, rank: 1).integers
            let part = try renderer?.hostImages(of: 0, in: batch) ?? embeddings(batch)
            if let first = parts.first, first.type != part.type || first.shape.dropFirst() != part.shape.dropFirst() {
                let (a, b) = (Array(first.shape.dropFirst()), Array(part.shape.dropFirst()))
                throw Failure(.incompatible, "the \(role) set mixes samples \(a) and \(b)", "use samples of one size")
            }
            parts.append(part)
        }
        guard !parts.isEmpty else {
            throw Failure(.data, "the \(role) set (\(reader.name)) has no samples", "draw some with hl-sample -n")
        }
        if let bad = labels.firstIndex(where: { $0 < 0 }) {
            throw Failure(
                .data, "sample \(ids[bad]) of the \(role) set has the label \(labels[bad])",
                "label it or leave it out")
        }
        return ProbeSet(
            role: role, header: reader.header, ids: ids, labels: labels, content: HostTensor.concatenate(parts))
    }

    private static func embeddings(_ batch: Batch) throws -> HostTensor {
        guard batch.tensors["e.0"] != nil else {
            throw Failure(
                .data, "the stream has no e.0 (embeddings)",
                "put hl-encode before this program, or give --encoder to embed images here")
        }
        let embeddings = try batch.require("e.0", .f32, rank: 2)
        guard embeddings.shape[1] > 0 else {
            throw Failure(.data, "the embeddings have no dimensions", "make them again")
        }
        return embeddings
    }
}

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
        let bad = features.withUnsafeElements(as: Float.self) { $0.firstIndex { !$0.isFinite } }
        if let bad {
            throw Failure(
                .data,
                "the embedding of sample \(set.ids[bad / features.rowSize]) of the \(set.role) set is not finite",
                "train the encoder anew with a lower learning rate")
        }
    }
}

/// The classes of both sets, numbered from 0 without gaps.
struct ProbeClasses {
    let count: Int
    let train: [Int32]
    let test: [Int32]

    /// - Throws: `Failure` (data) where there is nothing to tell apart.
    init(_ train: ProbeSet, _ test: ProbeSet) throws {
        let (learnt, asked) = (Set(train.labels), Set(test.labels))
        guard learnt.count > 1 else {
            throw Failure(.data, "the train set has one class only", "use a set with two or more")
        }
        let unknown = asked.subtracting(learnt).sorted()
        if unknown.count == asked.count {
            throw Failure(.incompatible, "train and test set have no class in common", "use sets with the same labels")
        }
        if !unknown.isEmpty {
            warn(
                "the train set lacks \(unknown.count) classes of the test set, such as \(unknown[0]): "
                    + "their samples count as errors")
        }
        let all = learnt.union(asked).sorted()
        var numbers: [Int64: Int32] = [:]
        for (number, label) in all.enumerated() { numbers[label] = Int32(number) }
        count = all.count
        self.train = train.labels.map { numbers[$0] ?? 0 }
        self.test = test.labels.map { numbers[$0] ?? 0 }
    }
}
