import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor

/// One side of a probe, read as a whole.
struct ProbeSet {
    /// `train` or `test`.
    let role: String
    /// The first one.
    let header: StreamHeader
    /// The streams that are joined in it, as far as they have samples, and the ids of each.
    let segments: [(header: StreamHeader, ids: [Int64])]
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
        if wantsImages, try PreparedCrop(reader.header) != nil {
            throw Failure(
                .incompatible, "the \(role) set has random crops, and a probe crops whole images itself",
                "leave out hl-sample's --random-resized-crop, or embed the crops with hl-encode")
        }
        let batches = ReadAhead(reader)
        var ids: [Int64] = [], labels: [Int64] = [], parts: [HostTensor] = []
        var segments: [(header: StreamHeader, ids: [Int64])] = [], last: StreamSegment?
        while let batch = try batches.next() {
            labels += try batch.require("y", .i64, rank: 1).integers
            let own = try batch.require("id", .i64, rank: 1).integers
            ids += own
            for (segment, rows) in batch.parts {
                if segment !== last { segments.append((segment.header, [])) }
                segments[segments.count - 1].ids += own[rows]
                last = segment
            }
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
            role: role, header: reader.header, segments: segments, ids: ids, labels: labels,
            content: HostTensor.concatenate(parts))
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
