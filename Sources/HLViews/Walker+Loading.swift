import HLCompute
import HLFormats
import HLGenerators
import HLTensor

extension Walker {
    /// Reads a walker: a file of hl-train walker, or a published one, the module (COP-Gen's `NonlinearWalk`, or the
    /// `NonlinearWalker` of the paper's authors, whose `start` and `stop` say which chunks it moves) or its state dict, in a
    /// pickle or safetensors, alone or within a checkpoint, behind any prefix and wrapper. The file's bytes say which.
    /// - Throws: `Failure`: noInput for a missing file, data for one that is damaged, incompatible for another network or
    ///   several walkers.
    package static func load(path: String, backend: any Backend) throws -> Walker {
        let file = try ModelFile.open(
            path: path, wanted: "a walker", remedy: "name a file of hl-train walker or a published walker")
        do {
            if case .safetensors(let tensors, let metadata) = file,
                let own = try envelope.contents(of: TensorFile(metadata: metadata), path: path)
            {
                return try self.own(own, tensors, path, backend)
            }
            let found = try ForeignWalker(file, path: path)
            return try Walker(found.tensors(), chunks: found.chunks, name: path, backend: backend)
        } catch let failure as Failure where !failure.what.contains(path) {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
    }

    /// What a walker's file is wrapped in.
    package static let envelope = Checkpoint(kind: "walker", version: "1", writtenBy: "hl-train walker")

    private static func own(
        _ own: Checkpoint.Contents, _ tensors: [(name: String, tensor: StoredTensor)], _ path: String,
        _ backend: any Backend
    ) throws -> Walker {
        let again = "train the walker again"
        guard let text = try own.json("hl.walker")["chunks"]?.string, let chunks = try? ChunkSet(parsing: text) else {
            throw Failure(.data, "\(path) does not say which chunks it moves", again)
        }
        let generator = try own.metadata["hl.generator"].map { text in
            do {
                return try GeneratorSpecification(json: JSONValue(parsing: text, name: "hl.generator"))
            } catch let failure as Failure {
                throw Failure(.data, "\(path): \(failure.what)", again)
            }
        }
        return try Walker(
            NamedTensors(tensors.map { ($0.name, try $0.tensor.hostTensor()) }), chunks: chunks, generator: generator,
            name: path, backend: backend)
    }

    /// Whether the walker is for a stream's generator. What it was trained on decides; images may have another size.
    /// - Throws: `Failure(.incompatible)` for a walker of another generator, other weights or another latent.
    package func check(for generator: GeneratorSpecification) throws {
        guard let own = self.generator else { return }
        guard own.name == generator.name, own.base == generator.base, own.mapped == generator.mapped else {
            throw Failure(
                .incompatible,
                "\(name) was trained on \(own.name) with \(own.latentText), and the stream is of \(generator.name) with "
                    + generator.latentText,
                "use a walker of this generator")
        }
        if let ours = own.weightsDigest, let theirs = generator.weightsDigest, ours != theirs {
            throw Failure(
                .incompatible,
                "\(name) was trained on other weights of \(own.name) (SHA-256 \(ours.prefix(12))…) than "
                    + "the stream's (\(theirs.prefix(12))…)",
                "use a walker of these weights")
        }
    }

    /// For headers: its chunks, file and SHA-256.
    func json(moving chunks: ChunkSet) throws -> JSONObject {
        [
            "chunks": .string(chunks.text), "walker": .string(name),
            "sha256": .string(try SHA256.digest(ofFile: name)),
        ]
    }
}

extension GeneratorSpecification {
    /// `6 chunks of 20`, `16 layers of 512`
    fileprivate var latentText: String {
        mapped.map { "\($0.chunks) layers of \($0.dimension)" } ?? "\(chunks) chunks of \(dimension)"
    }
}
