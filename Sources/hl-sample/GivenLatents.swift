import HLCommand
import HLFormats
import HLGenerators
import HLTensor

/// Latents from a file or standard input. A sample's id is its position there, except that a stream keeps its own ids.
enum GivenLatents {
    /// What the file is, its bytes say, and not its name.
    /// - Parameters:
    ///   - path: `-` is standard input.
    ///   - network: the generator that the latents are for; a stream says it itself unless it is given.
    /// - Throws: `Failure`: noInput for a missing file, data for one that is damaged or holds no latents, incompatible if
    ///   the latents are not those of the generator.
    static func open(
        _ path: String, of network: GeneratorOptions, _ positions: Positions, attaching request: Attachments.Request
    ) throws -> any SampleSource {
        let source = try PeekingSource(path: path)
        if source.form.kind == .zstd {
            let stream = try StreamReader(source, name: source.name)
            let specification = try specification(network, of: stream)
            return try LatentStream(stream, specification, path, positions, attaching: request)
        }
        guard [.npy, .zip, .safetensors].contains(source.form.kind) else {
            throw source.form.refusal(
                of: source.name, wanted: "a file of latents", remedy: "give a stream, .npy, .npz or .safetensors")
        }
        let specification = try network.specification()
        let arrays = try NamedArrays(source)
        return try LatentArray(
            specification, try arrays.latents(of: specification), (path, source.name), positions, attaching: request)
    }

    /// A stream's own generator, unless another is named. Options alone are those of the standard one, which must not take
    /// the place of what the stream was drawn for.
    private static func specification(
        _ network: GeneratorOptions, of stream: StreamReader
    ) throws -> GeneratorSpecification {
        if network.isNamed || network.weights != nil { return try network.specification() }
        let own = try GeneratorSpecification(of: stream.header)
        guard network.isGiven || network.size != nil else { return own }
        guard try own.json == GeneratorSpecification.named(GeneratorCatalogue.standard.usage).json else {
            throw Failure(
                .usage, "\(stream.name) is of \(own.name), whose rendering its header has settled",
                "name the generator too, with --generator or --weights, or leave its options out")
        }
        return try network.specification()
    }

    static func header(
        _ specification: GeneratorSpecification, _ path: String, fingerprint: String
    ) -> StreamHeader {
        StreamHeader(
            generator: specification.json,
            latent: ["distribution": "given", "file": .string(path), "fingerprint": .string(fingerprint)])
    }

    /// Of a stream whose anchors are taken: they keep their source, seed and history. What belongs to tensors that are
    /// left out goes with them.
    static func header(
        _ specification: GeneratorSpecification, _ path: String, of stream: StreamHeader
    ) -> StreamHeader {
        var header = stream
        header.generator = specification.json
        header.latent = stream.latent ?? ["distribution": "given", "file": .string(path)]
        for key in ["hl.perturbation", "hl.encoder"] { header.metadata[key] = nil }
        return header
    }

    /// - Throws: `Failure(.data)` that names the first sample which holds a NaN or an infinity.
    static func checkFinite(_ latents: HostTensor?, ids: HostTensor, name: String) throws {
        guard let latents, let bad = latents.firstNonFinite else { return }
        throw Failure.notFinite(
            "latent \(ids.integers[bad / max(1, latents.rowSize)]) of \(name)", remedy: "remove it from the file")
    }
}

/// Latents of an array or several: z, or w, or both of each sample.
final class LatentArray: SampleSource {
    let header: StreamHeader
    let total: Int?
    let summary: String
    private let z: HostTensor?
    private let w: HostTensor?
    private let count: Int
    private let name: String
    private let attachments: Attachments
    private var positions: Positions

    init(
        _ specification: GeneratorSpecification, _ latents: NamedArrays.Latents, _ file: (path: String, name: String),
        _ positions: Positions, attaching request: Attachments.Request
    ) throws {
        let path = file.name
        z = try latents.z.map { try Self.shaped($0, specification, .z, path) }
        w = try latents.w.map { try Self.shaped($0, specification, .w, path) }
        let count = (z ?? w)?.rowCount ?? 0
        guard (w ?? z)?.rowCount ?? 0 == count else {
            throw Failure(.data, "\(path) has \(count) latents z and others of w", "give it as many of both")
        }
        guard positions.start <= count, positions.count.map({ positions.start + $0 <= count }) ?? true else {
            throw Failure(.data, "\(path) has only \(count) latents", "lower -n or --start")
        }
        self.count = count
        name = path
        total = positions.count ?? (count - positions.start)
        header = GivenLatents.header(specification, file.path, fingerprint: Self.fingerprint([z, w]))
        summary = "\(count) latents of \(specification.name) in \(path)"
        attachments = try Attachments(request, specification, header, hasMapped: w != nil)
        self.positions = positions
    }

    /// [N, n, m], also from [N, n x m].
    private static func shaped(
        _ latents: HostTensor, _ specification: GeneratorSpecification, _ space: LatentSpace, _ path: String
    ) throws -> HostTensor {
        guard let shape = specification.shape(in: space) else {
            throw Failure(
                .incompatible, "\(path) has mapped latents w, and \(specification.name) takes none",
                "choose their generator with --weights")
        }
        let row = [shape.chunks, shape.dimension]
        let isWhole = Array(latents.shape.dropFirst()) == row
        guard isWhole || (latents.shape.count == 2 && latents.shape[1] == shape.size) else {
            let mapped = specification.mapped.map { ", nor mapped [N, \($0.chunks), \($0.dimension)]" } ?? ""
            throw Failure(
                .incompatible,
                "the latents \(space.rawValue) of \(path) have the shape \(latents.shape), not [N, \(row[0]), "
                    + "\(row[1])] or [N, \(shape.size)]" + (space == .z ? mapped : ""),
                "choose their generator with --generator ("
                    + "\(GeneratorCatalogue.all.map(\.usage).joined(separator: ", "))) or --weights")
        }
        return latents.reshaped([latents.shape[0]] + row)
    }

    func next() throws -> Batch? {
        let (first, count) = positions.take(attachments.batchSize, below: count)
        guard count > 0 else { return nil }
        let step = positions.shard.count
        func rows(_ latents: HostTensor) -> HostTensor {
            step == 1
                ? latents.rows(first..<first + count) : latents.gather((0..<count).map { first + $0 * step })
        }
        let (z, w, ids) = (z.map(rows), w.map(rows), ids(from: first, count: count, step: step))
        for latents in [z, w] { try GivenLatents.checkFinite(latents, ids: ids, name: name) }
        return try attachments.batch(ids: ids, z: z, w: w)
    }

    /// By which the same latents are known in a file of another name.
    private static func fingerprint(_ latents: [HostTensor?]) -> String {
        var hash = StableHash()
        for latents in latents {
            hash.add(latents.map { "\($0.shape)" } ?? "none")
            latents?.withUnsafeElements(as: UInt32.self) { hash.add(words: $0) }
        }
        return hash.text
    }
}

/// A source whose first samples can be seen before they are taken.
private final class Lookahead: BatchSource {
    let header: StreamHeader
    private(set) var first: Batch?
    private let source: any BatchSource

    init(_ source: any BatchSource) throws {
        header = source.header
        first = try source.next()
        self.source = source
    }

    func next() throws -> Batch? {
        defer { first = nil }
        return try first ?? source.next()
    }
}

/// The anchors of a stream. `--start`, `-n` and `--shard` count positions in it.
final class LatentStream: SampleSource {
    let header: StreamHeader
    let total: Int?
    let summary: String
    private let name: String
    private let path: String
    private let specification: GeneratorSpecification
    private let attachments: Attachments
    private let reader: BatchRegrouper
    private var positions: Positions
    private var position = 0

    init(
        _ stream: StreamReader, _ specification: GeneratorSpecification, _ path: String, _ positions: Positions,
        attaching request: Attachments.Request
    ) throws {
        name = stream.name
        self.specification = specification
        header = stream.header
        // Whether there are mapped latents shows with the first samples.
        let source = try Lookahead(stream)
        let hasMapped = source.first?.tensors["w.0"] != nil
        reader = BatchRegrouper(source)
        attachments = try Attachments(
            request, specification, GivenLatents.header(specification, path, of: stream.header), hasMapped: hasMapped)
        self.path = path
        total = positions.count
        summary = "latents of \(specification.name) in \(path)"
        self.positions = positions
    }

    func adapted(_ header: StreamHeader) -> StreamHeader { GivenLatents.header(specification, path, of: header) }

    func next() throws -> Batch? {
        // Positions come as they lie in the stream: everything between them is read and left out.
        let (first, count) = positions.take(attachments.batchSize)
        guard count > 0 else { return nil }
        while position < first {
            guard let skipped = try reader.nextBatch(of: min(first - position, attachments.batchSize)) else { break }
            position += skipped.count
        }
        let step = positions.shard.count
        var rows: [Batch] = []
        var wanted = (count - 1) * step + 1
        while wanted > 0, let part = try reader.nextBatch(of: min(wanted, attachments.batchSize)) {
            let offset = (step - (position - first) % step) % step
            let chosen = Array(stride(from: offset, to: part.count, by: step))
            position += part.count
            wanted -= part.count
            if !chosen.isEmpty { rows.append(step == 1 ? part : part.gather(chosen)) }
        }
        if wanted > 0 && positions.end != .max {
            throw Failure(.data, "\(name) has only \(position) latents", "lower -n or --start")
        }
        if rows.isEmpty { return nil }
        let batch = try Batch.concatenate(rows)
        let w = try latents(.w, of: batch)
        // Streams of mapped latents need not have those that they were mapped from.
        let z = batch.tensors["z.0"] == nil && w != nil ? nil : try latents(.z, of: batch)
        let ids = batch.ids ?? ids(from: first, count: batch.count, step: step)
        for latents in [z, w] { try GivenLatents.checkFinite(latents, ids: ids, name: name) }
        return try attachments.batch(ids: ids, z: z, w: w).from(batch)
    }

    /// The anchors' latents in a space: nil where the stream has no w.
    private func latents(_ space: LatentSpace, of batch: Batch) throws -> HostTensor? {
        if space == .w && batch.tensors["w.0"] == nil { return nil }
        let latents = try batch.require("\(space.rawValue).0", .f32, rank: 3)
        guard let shape = specification.shape(in: space),
            Array(latents.shape.dropFirst()) == [shape.chunks, shape.dimension]
        else {
            throw Failure(
                .incompatible, "the latents \(space.rawValue) of \(name) have the shape \(latents.shape)",
                "choose their generator with --generator")
        }
        return latents
    }
}
