import HLCommand
import HLFormats
import HLGenerators
import HLTensor

/// Latents from a file. A sample's id is its position there, except that a stream keeps its own ids.
enum GivenLatents {
    /// - Throws: `Failure`: noInput for a missing file, data for a damaged one, incompatible if the latents are not
    ///   those of the generator.
    static func open(_ options: Sample, _ path: String, _ positions: Positions) throws -> any SampleSource {
        if path.hasSuffix(".npy") {
            return try LatentArray(options, try Npy.readFloats(path: path), path, positions)
        }
        if path.hasSuffix(".safetensors") {
            let file = try Safetensors.read(path: path)
            guard let tensor = file.tensors["z.0"] ?? file.tensors["z"] else {
                throw Failure(
                    .data, "\(path) has neither z.0 nor z", "name the latents z.0")
            }
            return try LatentArray(options, convertedToFloat32(tensor), path, positions)
        }
        return try LatentStream(options, try StreamInput.open(path: path), path, positions)
    }

    static func header(_ specification: GeneratorSpecification, _ path: String) -> StreamHeader {
        StreamHeader(
            generator: specification.json, latent: ["distribution": "given", "file": .string(path)])
    }

    static func checkFinite(_ latents: HostTensor, first: Int, name: String) throws {
        let bad = latents.withUnsafeElements(as: Float.self) { $0.firstIndex { !$0.isFinite } }
        if let bad {
            throw Failure(
                .data, "latent \(first + bad / max(1, latents.rowSize)) of \(name) holds a NaN or an infinity",
                "remove it from the file")
        }
    }
}

/// Latents of a .npy or .safetensors file.
final class LatentArray: SampleSource {
    let header: StreamHeader
    let total: Int?
    let summary: String
    private let latents: HostTensor
    private let name: String
    private let attachments: Attachments
    private var positions: Positions

    init(_ options: Sample, _ latents: HostTensor, _ path: String, _ positions: Positions) throws {
        let specification = try options.specification()
        let row = [specification.chunks, specification.dimension]
        let isWhole = Array(latents.shape.dropFirst()) == row
        guard isWhole || (latents.shape.count == 2 && latents.shape[1] == row[0] * row[1]) else {
            throw Failure(
                .incompatible,
                "the latents of \(path) have the shape \(latents.shape), not [N, \(row[0]), \(row[1])] "
                    + "or [N, \(row[0] * row[1])]",
                "choose their generator with --generator (\(GeneratorSpecification.names.joined(separator: ", ")))")
        }
        let count = latents.shape[0]
        guard options.start <= count, options.count.map({ options.start + $0 <= count }) ?? true else {
            throw Failure(.data, "\(path) has only \(count) latents", "lower -n or --start")
        }
        self.latents = latents.reshaped([count] + row)
        name = path
        total = options.count ?? (count - options.start)
        header = GivenLatents.header(specification, path)
        summary = "\(count) latents of \(specification.name) in \(path)"
        attachments = try Attachments(options, specification, header)
        self.positions = positions
    }

    func next() throws -> Batch? {
        let (first, count) = positions.take(attachments.batchSize, below: latents.rowCount)
        guard count > 0 else { return nil }
        let step = positions.shard.count
        let rows =
            step == 1
            ? latents.rows(first..<first + count) : latents.gather((0..<count).map { first + $0 * step })
        try GivenLatents.checkFinite(rows, first: first, name: name)
        return try attachments.batch(ids: ids(from: first, count: count, step: step), latents: rows)
    }
}

/// The anchors of a stream. `--start`, `-n` and `--shard` count positions in it.
final class LatentStream: SampleSource {
    let header: StreamHeader
    let total: Int?
    let summary: String
    private let name: String
    private let specification: GeneratorSpecification
    private let attachments: Attachments
    private let reader: BatchRegrouper
    private var positions: Positions
    private var position = 0

    init(_ options: Sample, _ stream: StreamReader, _ path: String, _ positions: Positions) throws {
        name = stream.name
        let chosen = options.generator != nil || options.size != nil || options.clean || options.weights != nil
        specification = try chosen ? options.specification() : GeneratorSpecification(of: stream.header)
        header = GivenLatents.header(specification, path)
        attachments = try Attachments(options, specification, header)
        reader = BatchRegrouper(stream)
        total = options.count
        summary = "latents of \(specification.name) in \(path)"
        self.positions = positions
    }

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
        let latents = try batch.require("z.0", .f32, rank: 3)
        guard Array(latents.shape.dropFirst()) == [specification.chunks, specification.dimension] else {
            throw Failure(
                .incompatible, "the latents of \(name) have the shape \(latents.shape)",
                "choose their generator with --generator")
        }
        try GivenLatents.checkFinite(latents, first: first, name: name)
        let ids = batch.ids ?? ids(from: first, count: batch.count, step: step)
        return try attachments.batch(ids: ids, latents: latents)
    }
}
