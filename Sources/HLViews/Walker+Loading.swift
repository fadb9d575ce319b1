import HLCompute
import HLFormats
import HLGenerators
import HLTensor

extension Walker {
    /// Reads a walker: a safetensors file of hl-train walker, or a published one, a pickle of the whole module (COP-Gen's
    /// `NonlinearWalk`, or the `NonlinearWalker` of the paper's authors, whose `start` and `stop` say which chunks it
    /// moves) or its state dict, `module.` in front of the names or not.
    /// - Throws: `Failure`: noInput for a missing file, data for one that is damaged, incompatible for another network.
    package static func load(path: String, backend: any Backend) throws -> Walker {
        if path.hasSuffix(".safetensors") { return try own(Safetensors.read(path: path), path, backend) }
        let value = try TorchFile.read(path: path)
        let tensors: StateDictionary
        do {
            tensors = try stateDictionary(of: value)
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
        return try Walker(
            removingCommonPrefix(from: tensors), chunks: try chunks(inModuleOf: value, path), name: path,
            backend: backend)
    }

    /// What a walker's file is wrapped in.
    package static let envelope = Checkpoint(kind: "walker", version: "1", writtenBy: "hl-train walker")

    private static func own(_ file: TensorFile, _ path: String, _ backend: any Backend) throws -> Walker {
        let tensors = file.tensors.map { (name: $0.name, tensor: $0.tensor) }
        guard let own = try envelope.contents(of: file, path: path) else {
            // Weights that somebody converted.
            return try Walker(tensors, name: path, backend: backend)
        }
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
        return try Walker(tensors, chunks: chunks, generator: generator, name: path, backend: backend)
    }

    /// Chunks `start` to `stop`, the latter left out, of a pickled `NonlinearWalker` (SerezD/mi_ml_gen,
    /// src/noise_maker/walkers.py); nil for modules without them.
    private static func chunks(inModuleOf value: PickleValue, _ path: String) throws -> ChunkSet? {
        var module = value.object ?? value.dictionary?["nn_walker"]?.object
        // DataParallel holds it.
        if let inner = module?.attribute("_modules")?.dictionary?["module"]?.object { module = inner }
        guard let module, let start = module.attribute("start")?.integer, let stop = module.attribute("stop")?.integer
        else { return nil }
        guard start >= 0, stop > start, stop <= ChunkSet.limit else {
            throw Failure(
                .data, "\(path) moves the chunks from \(start) to before \(stop)", "name a walker that moves a chunk")
        }
        return try ChunkSet(parsing: "\(start)-\(stop - 1)")
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
