import HLTensor

/// The envelope of what this house trains: safetensors whose metadata say what the file holds (`hl.kind`), in which
/// version (`hl.version`), with which settings it was trained (`hl.training`) and on what (`hl.history`). Every kind adds
/// a description under a key of its own.
package struct Checkpoint: Sendable {
    /// `hl.kind`, such as `encoder`.
    package let kind: String
    /// `hl.version`, MAJOR or MAJOR.MINOR. Files of the same major version are read.
    package let version: String
    /// What such a file holds, in messages: `an encoder`.
    private let content: String
    /// What to do where a file is no such file.
    private let remedy: String
    /// What to do where a run has not come so far as to write it.
    private let completion: String

    /// - Parameter program: the one that writes such files, for messages: `hl-train walker`.
    package init(kind: String, version: String, writtenBy program: String) {
        self.init(
            kind: kind, version: version, content: Self.described(kind), remedy: "name a file that \(program) wrote",
            completion: "let \(program) --resume finish it, and name the file that it writes")
    }

    private init(kind: String, version: String, content: String, remedy: String, completion: String) {
        self.kind = kind
        self.version = version
        self.content = content
        self.remedy = remedy
        self.completion = completion
    }

    /// What a run that was stopped goes on from, whatever it trains.
    package static let stoppedRun = Checkpoint(
        kind: "training", version: "1", content: "what a stopped run goes on from",
        remedy: "delete it and start anew", completion: "")

    private static func described(_ kind: String) -> String {
        if kind == stoppedRun.kind { return stoppedRun.content }
        return (kind.first.map("aeiou".contains) == true ? "an " : "a ") + kind
    }

    // MARK: Writing

    /// The contents of a file.
    /// - Parameters:
    ///   - metadata: what this kind says besides, under keys of its own.
    ///   - training: the settings of the run; nil for a file that no run of ours has made.
    ///   - history: of the stream that was trained on, with the training itself last; nil writes none.
    package func file(
        _ tensors: NamedTensors, metadata: [String: String], training: JSONValue?, history: [HistoryEntry]? = nil
    ) -> TensorFile {
        var all = metadata
        all["hl.kind"] = kind
        all["hl.version"] = version
        all["hl.training"] = training?.text
        all["hl.history"] = history.map { JSONValue.array($0.map { .object($0.json) }).text }
        return TensorFile(tensors: tensors, metadata: all)
    }

    /// Writes a file, all or nothing. A network that is lost is not written, and what was there before stays.
    /// - Parameter remedy: what to do about a training that has diverged.
    /// - Throws: `Failure`: data where a tensor of the file holds a NaN or an infinity, cannotCreate or inputOutput.
    package static func write(
        _ file: TensorFile, to path: String, remedy: String = "lower the learning rate"
    ) throws {
        for (name, tensor) in file.tensors where tensor.type == .f32 && tensor.firstNonFinite != nil {
            throw Failure(
                .data, "the training has diverged: \(name) holds a NaN or an infinity, and \(path) is not written",
                remedy)
        }
        try Safetensors.write(file, to: path)
    }

    // MARK: Reading

    /// What a file of the right kind and version holds.
    package struct Contents: Sendable {
        package let tensors: NamedTensors
        package let metadata: [String: String]
        fileprivate let path: String
        fileprivate let remedy: String

        /// The metadata under a key.
        /// - Throws: `Failure(.data)` where there are none.
        package func text(_ key: String) throws -> String {
            guard let text = metadata[key] else { throw Failure(.data, "\(path) does not say its \(key)", remedy) }
            return text
        }

        /// The metadata under a key, which must be JSON.
        /// - Throws: `Failure(.data)` where there are none, or others.
        package func json(_ key: String) throws -> JSONValue {
            try JSONValue(parsing: text(key), name: "\(key) of \(path)")
        }

        /// The metadata under a key, which must be a whole number.
        /// - Throws: `Failure(.data)` where there are none, or others.
        package func integer<Value: FixedWidthInteger>(_ key: String, as type: Value.Type = Int.self) throws -> Value {
            let text = try text(key)
            guard let value = Value(text) else {
                throw Failure(.data, "\(path) says '\(text)' for its \(key), which is no such number", remedy)
            }
            return value
        }
    }

    /// Reads a file of this kind.
    /// - Throws: `Failure`: noInput for a missing file, data for a damaged one, incompatible for one of another kind or
    ///   version.
    package func read(path: String) throws -> Contents {
        let file = try Safetensors.read(path: path, wanted: content, remedy: remedy)
        guard let contents = try contents(of: file, path: path) else {
            throw Failure(.incompatible, "\(path) does not say what it holds", remedy)
        }
        return contents
    }

    /// What a file that has been read holds; nil where it says no kind, as those of other tools.
    /// - Parameter path: for messages.
    /// - Throws: `Failure(.incompatible)` for a file of another kind or version.
    package func contents(of file: TensorFile, path: String) throws -> Contents? {
        guard let kind = file.metadata["hl.kind"] else { return nil }
        guard kind == self.kind else {
            let isStopped = kind == Self.stoppedRun.kind
            throw Failure(
                .incompatible, "\(path) \(isStopped ? "is" : "holds") \(Self.described(kind)), not \(content)",
                isStopped ? completion : remedy)
        }
        let version = file.metadata["hl.version"] ?? "none", major = Self.major(self.version)
        guard Self.major(version) == major else {
            throw Failure(
                .incompatible, "\(path) is of version \(version), and this program reads version \(major)",
                "use programs of one release")
        }
        return Contents(tensors: file.tensors, metadata: file.metadata, path: path, remedy: remedy)
    }

    private static func major(_ version: String) -> String { String(version.prefix { $0 != "." }) }
}
