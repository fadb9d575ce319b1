import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor

/// One side of a probe, read as a whole.
struct ProbeSet {
    /// `train`, `validation` or `test`.
    let role: String
    /// The first one.
    let header: StreamHeader
    /// The streams that are joined in it, as far as they have samples, and the ids of each.
    let segments: [(header: StreamHeader, ids: [Int64])]
    /// Position in the source, by which samples are told apart.
    let ids: [Int64]
    let labels: [Int64]
    /// U8 [N, classes], 1 where a sample shows a class, 0 where not, 255 where that does not count; nil where samples have
    /// one label each.
    let marks: HostTensor?
    /// Embeddings F32 [N, d], or images U8 or F32 [N, 3, H, W].
    let content: HostTensor

    var count: Int { labels.count }

    /// The kind of data set that the images are of, if the header says so.
    var kind: String? { header.data?["kind"]?.string }

    /// The samples `rows`, in that order; what was read of each stream is told of all.
    func gather(_ rows: [Int]) -> ProbeSet {
        ProbeSet(
            role: role, header: header, segments: segments, ids: rows.map { ids[$0] }, labels: rows.map { labels[$0] },
            marks: marks?.gather(rows), content: content.gather(rows))
    }

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
        var ids: [Int64] = [], labels: [Int64] = [], parts: [HostTensor] = [], marks: [HostTensor] = []
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
            if batch.tensors["y.all"] != nil { marks.append(try self.marks(batch, role, own)) }
        }
        guard !parts.isEmpty else {
            throw Failure(.data, "the \(role) set (\(reader.name)) has no samples", "draw some with hl-sample -n")
        }
        if let bad = labels.firstIndex(where: { $0 < 0 }) {
            throw Failure(
                .data, "sample \(ids[bad]) of the \(role) set has the label \(labels[bad])",
                "label it or leave it out")
        }
        // Of streams joined where one alone has them the labels count, which all have.
        let isMarked = marks.count == parts.count && Set(marks.map(\.rowSize)).count == 1
        return ProbeSet(
            role: role, header: reader.header, segments: segments, ids: ids, labels: labels,
            marks: isMarked ? HostTensor.concatenate(marks) : nil, content: HostTensor.concatenate(parts))
    }

    /// - Throws: `Failure` (data) for a mark that is none of 0, 1 and 255.
    private static func marks(_ batch: Batch, _ role: String, _ ids: [Int64]) throws -> HostTensor {
        let marks = try batch.require("y.all", .u8, rank: 2)
        let bad = marks.withUnsafeElements(as: UInt8.self) { $0.firstIndex { $0 > 1 && $0 != 255 } }
        if let bad {
            throw Failure(
                .data,
                "y.all of sample \(ids[bad / max(1, marks.rowSize)]) of the \(role) set has another number than "
                    + "0, 1 and 255", "mark classes as hl-stream(5) tells")
        }
        return marks
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
