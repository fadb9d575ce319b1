import Glibc
import HLCompute
import HLTensor

extension GeneratorSpecification {
    /// A generator by name, without weights: of a network, latents alone.
    /// - Parameter resolution: side in pixels, where the generator leaves a choice.
    /// - Throws: `Failure(.usage)` for an unknown name or options that the generator does not take.
    package static func named(
        _ text: String, resolution: Int? = nil, options: GeneratorOptionValues = [:]
    ) throws -> Self {
        let (architecture, argument) = try GeneratorCatalogue.named(text)
        var options = options
        options.size = resolution ?? options.size
        options.argument = argument
        try GeneratorCatalogue.check(options, for: architecture, hasWeights: false)
        return try architecture.specification(options)
    }

    /// The generator in a weights file.
    /// - Parameters:
    ///   - name: what the file has to be; nil takes it for what it is.
    /// - Throws: `Failure`: noInput for a missing file, data for one that is no generator's, usage where the options
    ///   do not fit it.
    package static func fromWeights(
        path: String, name: String? = nil, options: GeneratorOptionValues = [:]
    ) throws -> Self {
        let (architecture, file) = try GeneratorCatalogue.open(path: path)
        guard name ?? architecture.name == architecture.name else {
            throw Failure(
                .usage, "\(path) is \(architecture.article), not \(name ?? "")",
                "give --generator \(architecture.name), or leave it out")
        }
        // Before the file is read in full.
        try GeneratorCatalogue.check(options, for: architecture, hasWeights: true)
        let digest = try WeightsDigest(path: path, early: false).hex()
        return try architecture.specification(of: file, digest: digest, options)
    }

    /// The generator itself, ready to render.
    /// - Parameters:
    ///   - backend: what it computes on.
    ///   - trusted: whether a command in the specification comes from the user and not from a stream's header alone.
    /// - Throws: `Failure`: noInput when its weights are missing, incompatible when they are others than the stream's
    ///   or the generator is not known to this version.
    package func makeGenerator(on backend: any Backend, trusted: Bool = false) throws -> any Generator {
        try requirePrecision(on: backend)
        return try Self.settings(ofUser: trusted) {
            switch GeneratorCatalogue[name] {
            case let builtIn as any BuiltInArchitecture: try builtIn.make(self, on: backend, trusted: trusted)
            case let network as any NetworkArchitecture:
                try withWeights(of: network, on: backend) { try network.make(self, from: $0, on: backend) }
            default:
                throw Self.unknown(name)
            }
        }
    }

    /// - Throws: `Failure` (incompatible) where the backend is a fast one and its processor computes no BF16, or where it has no TF32.
    private func requirePrecision(on backend: any Backend) throws(Failure) {
        if rendering.precision == .tf32 && !backend.hasTF32 {
            throw Failure(
                .incompatible,
                "the stream's images are rendered in tf32, which only NVIDIA's cards from compute capability 8.0 on compute",
                "run on such a card, or make the stream without --precision tf32")
        }
        guard rendering.precision == .bf16 && backend.bf16 == .missing else { return }
        throw Failure(
            .incompatible,
            "the stream's images are rendered in bf16, which \(backend is CUDABackend ? "this card" : "this processor") does not compute",
            "give --backend plain, which emulates it, or make the stream without --precision bf16")
    }

    /// The generator, which must have a way back to its latents.
    /// - Throws: as `makeGenerator`, and `Failure(.incompatible)` for one that has none.
    package func makeDifferentiableGenerator(on backend: any Backend) throws -> any DifferentiableGenerator {
        if let architecture = GeneratorCatalogue[name], !architecture.isDifferentiable {
            let others = GeneratorCatalogue.all.filter(\.isDifferentiable).map(\.usage)
            throw Failure(
                .incompatible, "a walker learns through the generator, and \(architecture.usage) has no gradients",
                "take \(others.joined(separator: ", "))")
        }
        guard let differentiable = try makeGenerator(on: backend) as? any DifferentiableGenerator else {
            throw Failure(.software, "the generator \(name) has no gradients", "report this defect")
        }
        return differentiable
    }

    /// The generator's mapping network alone.
    /// - Parameters:
    ///   - backend: what it computes on.
    ///   - trusted: whether the specification comes from the user's options and not from a stream's header.
    /// - Throws: `Failure`: incompatible for a generator without one, or where its weights are others than the
    ///   stream's; noInput where they are missing.
    package func makeMapper(on backend: any Backend, trusted: Bool = false) throws -> any LatentMapper {
        guard let network = GeneratorCatalogue[name] as? any MappingArchitecture else {
            let titles = GeneratorCatalogue.mapping.map { "\($0.title)'s" }
            throw Failure(
                .incompatible, "\(name) has no mapped latents",
                "take a generator of \(titles.joined(separator: " or ")) kind")
        }
        return try Self.settings(ofUser: trusted) {
            try withWeights(of: network, on: backend) { try network.mapper(self, from: $0, on: backend) }
        }
    }

    /// What does not fit a network is a wrong option for who gave it, and a stream that does not belong to these
    /// weights for everybody after.
    private static func settings<Made>(ofUser trusted: Bool, _ make: () throws -> Made) throws -> Made {
        do {
            return try make()
        } catch let failure as Failure where failure.kind == .usage && !trusted {
            throw Failure(
                .incompatible, "the stream's generator does not fit its weights: \(failure.what)",
                "make the stream again with hl-sample")
        }
    }

    /// The generator's oracle, where it has one.
    /// - Throws: `Failure(.incompatible)` when this version's oracle is not that of the stream.
    package func makeOracle() throws -> (any Oracle)? { try GeneratorCatalogue[name]?.oracle(self) }

    /// A network made from the weights file, which must be the one with which the stream was begun. The file is hashed
    /// on a second thread, where there is one, while the network is built.
    private func withWeights<Network>(
        of architecture: any NetworkArchitecture, on backend: any Backend, _ make: (GeneratorFile) throws -> Network
    ) throws -> Network {
        guard let weights else {
            throw Failure(
                .incompatible, "the stream does not name the weights of its generator \(name)",
                "give --weights to hl-sample")
        }
        guard access(weights, F_OK) == 0 else {
            throw Failure(
                .noInput, "the generator's weights \(weights) are not there",
                weights.hasPrefix("/")
                    ? "put them there, or make the stream again with their new path"
                    : "run the program in the folder where hl-sample ran, or make the stream with the absolute path")
        }
        let digest = weightsDigest == nil ? nil : WeightsDigest(path: weights, early: backend.threads > 1)
        let network = Result {
            let (found, file) = try GeneratorCatalogue.open(path: weights)
            guard found.name == architecture.name else {
                throw Failure(
                    .incompatible, "\(weights) is \(found.article), and the stream's generator is \(name)",
                    "put the weights of the stream in its place")
            }
            return try make(file)
        }
        // Another file is the likely reason of whatever else went wrong.
        if let weightsDigest, let found = try digest?.hex(), found != weightsDigest {
            throw Failure(
                .incompatible,
                "\(weights) has the SHA-256 \(found), and the stream was made with \(weightsDigest)",
                "put the file with which hl-sample began the stream in its place")
        }
        return try network.get()
    }
}
