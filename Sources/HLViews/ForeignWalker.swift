import HLFormats
import HLTensor

/// The walker in a file that others wrote: two linear layers, `walker.0` and `walker.2`, with a ReLU between them.
struct ForeignWalker {
    /// The chunks that it moves, where its module says so.
    let chunks: ChunkSet?
    private let path: String
    /// By the names of `Walker.init`.
    private let stored: [(name: String, tensor: StoredTensor)]

    /// - Parameter path: for messages.
    /// - Throws: `Failure`: incompatible where there is no walker, several, or one of other layers; data where the file is
    ///   damaged.
    init(_ file: ModelFile, path: String) throws {
        self.path = path
        let all = removingWrappers(from: try file.tensors())
        let prefixes = Self.prefixes(all)
        guard let prefix = prefixes.first else {
            let part = shard(inName: path).map { ", and its name says that it is \($0)" } ?? ""
            throw Self.refusal(path, "it has no \(Self.mark)\(part)")
        }
        guard prefixes.count == 1 else {
            let names = prefixes.prefix(4).map { "'\($0.dropLast())'" }.joined(separator: ", ")
            throw Failure(
                .incompatible, "\(path) holds \(prefixes.count) walkers (\(names))",
                "save the state dict of one of them alone")
        }
        stored = all.compactMap { name, tensor in
            name.hasPrefix(prefix) ? (String(name.dropFirst(prefix.count)), tensor) : nil
        }
        let other = stored.map(\.name).filter { $0.hasPrefix("walker.") && !Self.names.contains($0) }.min()
        if let other { throw Self.refusal(path, "it has \(other) too") }
        guard case .pickle(let value) = file else {
            chunks = nil
            return
        }
        let module = value.descendant(at: prefix)?.unwrapped.object
        try Self.checkLayers(of: module, path)
        chunks = try Self.chunks(of: module, path)
    }

    /// Of a file that holds no walker, for a reason.
    static func refusal(_ name: String, _ reason: String) -> Failure {
        Failure(
            .incompatible, "\(name) is not a walker (\(reason))",
            "name a file with walker.0 and walker.2, two linear layers")
    }

    private static let names = ["walker.0.weight", "walker.0.bias", "walker.2.weight", "walker.2.bias"]
    private static let mark = names[0]

    private static func prefixes(_ tensors: [(name: String, tensor: StoredTensor)]) -> [String] {
        tensors.map(\.name).filter { $0 == mark || $0.hasSuffix(".\(mark)") }.map { String($0.dropLast(mark.count)) }
    }

    /// Its tensors, read now.
    func tensors() throws -> NamedTensors {
        let own = stored.filter { Self.names.contains($0.name) }
        try checkTensors(own)
        return NamedTensors(try own.map { ($0.name, try $0.tensor.hostTensor()) })
    }

    /// What a pickled module says of its layers is what it computes: a state dict says nothing, and is believed.
    private static func checkLayers(of module: PickleObject?, _ path: String) throws {
        guard let walker = module?.attribute("_modules")?.child("walker")?.unwrapped.object,
            let layers = walker.attribute("_modules")?.dictionary
        else { return }
        let classes = layers.entries.prefix(16).map { $0.value.object?.name ?? "nothing" }
        guard classes != ["Linear", "ReLU", "Linear"] else { return }
        throw Failure(
            .incompatible,
            "\(path) holds a walker of the layers \(classes.joined(separator: ", ")), "
                + "and only Linear, ReLU, Linear are applied",
            "take a walker with a ReLU between two linear layers, or train one with hl-train walker")
    }

    /// Chunks `start` to `stop`, the latter left out, of a pickled `NonlinearWalker` (SerezD/mi_ml_gen,
    /// src/noise_maker/walkers.py); nil for modules without them.
    private static func chunks(of module: PickleObject?, _ path: String) throws -> ChunkSet? {
        guard let module, let start = module.attribute("start")?.integer, let stop = module.attribute("stop")?.integer
        else { return nil }
        guard start >= 0, stop > start, stop <= ChunkSet.limit else {
            throw Failure(
                .data, "\(path) moves the chunks from \(start) to before \(stop)", "name a walker that moves a chunk")
        }
        return try ChunkSet(parsing: "\(start)-\(stop - 1)")
    }
}
