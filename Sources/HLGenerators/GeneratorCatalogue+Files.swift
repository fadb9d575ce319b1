import HLFormats
import HLTensor

extension GeneratorFile {
    /// Reads what the file says of its tensors, not their values.
    ///
    /// - Throws: `Failure`: noInput where the file cannot be opened, data where it is damaged, incompatible where it
    ///   holds something else than a generator that is known.
    package static func open(path: String) throws -> GeneratorFile { try GeneratorCatalogue.open(path: path).file }
}

extension GeneratorCatalogue {
    /// A file of weights and the network that it is of.
    /// - Throws: as `GeneratorFile.open`.
    static func open(path: String) throws -> (architecture: any NetworkArchitecture, file: GeneratorFile) {
        let source = try ModelFile.open(
            path: path, wanted: "weights", remedy: "name a file written by torch.save or pickle.dump, or safetensors")
        do {
            let (architecture, contents) = try recognise(source, shard: shard(inName: path))
            let file = GeneratorFile(path: path, architecture: architecture.name, contents)
            try architecture.check(file)
            return (architecture, file)
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(failure.what)", failure.remedy)
        }
    }

    /// - Parameter shard: which part of several the file is, as its name says.
    private static func recognise(
        _ source: ModelFile, shard: String?
    ) throws -> (architecture: any NetworkArchitecture, contents: GeneratorFile.Contents) {
        for architecture in networks {
            guard let contents = try architecture.converted(source) else { continue }
            let (found, prefix) = try recognise(Set(contents.tensors.map(\.name)), shard: nil)
            guard found.name == architecture.name, prefix.isEmpty else {
                throw Failure(.data, "its tensors are misplaced", "fetch the file again")
            }
            try checkTensors(contents.tensors.map { ($0.name, $0.stored) })
            return (architecture, contents)
        }
        let stored = try source.tensors()
        // A wrapper around a network tells it from what lies beside it; one within hides it.
        let all = matches(in: Set(stored.map(\.name))).isEmpty ? removingWrappers(from: stored) : stored
        let (architecture, prefix) = try recognise(Set(all.map(\.name)), shard: shard)
        let own = all.filter { $0.name.hasPrefix(prefix) }.map {
            (name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor)
        }
        try checkTensors(own)
        return (
            architecture,
            GeneratorFile.Contents(
                tensors: own.map { GeneratorFile.Tensor(name: $0.name, stored: $0.tensor) },
                settings: try architecture.settings(of: source, prefix: prefix))
        )
    }

    /// The architecture whose landmarks are there, and what stands before them in every name: `module.`,
    /// `state_dict.big_gan.` and the like. Of several copies of one network the moving average is taken.
    ///
    /// - Throws: `Failure(.incompatible)` where there is none, or no telling which.
    private static func recognise(
        _ names: Set<String>, shard: String?
    ) throws -> (architecture: any NetworkArchitecture, prefix: String) {
        var found = matches(in: names)
        if found.count > 1 {
            let averages = found.filter { isAverage($0.prefix) }
            if averages.count == 1 { found = averages }
        }
        guard let only = found.first else { throw unknown(names, shard: shard) }
        guard found.count == 1 else {
            let prefixes = found.map { $0.prefix.isEmpty ? "alone" : String($0.prefix.dropLast()) }.sorted()
            throw Failure(
                .incompatible, "it holds \(found.count) generators (\(prefixes.prefix(4).joined(separator: ", ")))",
                "save the state dict of one of them alone")
        }
        return only
    }

    /// The networks whose landmarks are there, and their prefixes.
    private static func matches(in names: Set<String>) -> [(architecture: any NetworkArchitecture, prefix: String)] {
        var found: [(architecture: any NetworkArchitecture, prefix: String)] = []
        for architecture in networks {
            guard let first = architecture.landmarks.first else { continue }
            for name in names where name.hasSuffix(first) {
                let prefix = String(name.dropLast(first.count))
                guard prefix.isEmpty || prefix.hasSuffix("."),
                    architecture.landmarks.allSatisfy({ names.contains(prefix + $0) })
                else { continue }
                found.append((architecture, prefix))
            }
        }
        return found
    }

    /// Whether one of a prefix's words is `ema`, as in `G_ema.`.
    private static func isAverage(_ prefix: String) -> Bool {
        prefix.lowercased().split { $0 == "." || $0 == "_" }.contains("ema")
    }

    private static func unknown(_ names: Set<String>, shard: String?) -> Failure {
        let wanted = networks.map { "\($0.title)'s \($0.landmarks.joined(separator: ", "))" }
        let hint =
            shard.map { "its name says that it is \($0): join the parts in Python" }
            ?? likeness(names).map { "it looks like \($0)" }
        let count = names.isEmpty ? "has no tensors" : "has \(names.count) tensors, but no generator that is known"
        return Failure(
            .incompatible, "it \(count): neither \(wanted.joined(separator: " nor "))",
            hint ?? "name the weights of a \(networkTitles.joined(separator: " or a ")) generator")
    }

    /// Networks that are often taken for one of ours.
    private static func likeness(_ names: Set<String>) -> String? {
        let signs =
            networks.flatMap(\.lookalikes) + [
                ("from_rgb.weight", "a discriminator; name a file with the generator"),
                ("conv1.weight", "an encoder or classifier; name the weights of a generator"),
            ]
        return signs.first { sign in
            names.contains { $0 == sign.sign || $0.hasSuffix("." + sign.sign) }
        }?.what
    }
}
