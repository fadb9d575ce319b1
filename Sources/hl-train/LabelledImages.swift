import HLCommand
import HLCompute
import HLEncoders
import HLFormats
import HLGenerators
import HLTensor

/// A small labelled set of images, read as a whole.
struct LabelledImages {
    /// U8 or F32 [N, 3, H, W].
    let images: HostTensor
    /// N classes as the stream has them, none below 0.
    let labels: [Int64]
    /// Names of the classes, where the header has them.
    let classNames: [String]?

    var count: Int { labels.count }

    /// - Throws: `Failure`: noInput; incompatible for crops or a generator that cannot be had; data for samples without
    ///   labels or none at all.
    init(path: String, on backend: any Backend) throws {
        let reader = try StreamInput.open(path: path)
        guard try PreparedCrop(reader.header) == nil else {
            throw Failure(
                .incompatible, "\(path) has random crops, and an evaluation crops whole images itself",
                "leave out hl-sample's --random-resized-crop")
        }
        let renderer = try Renderer(reader.header, on: backend), batches = ReadAhead(reader)
        var labels: [Int64] = [], parts: [HostTensor] = []
        while let batch = try batches.next() {
            labels += try batch.require("y", .i64, rank: 1).integers
            let part = try renderer.hostImages(of: 0, in: batch)
            if let first = parts.first, first.type != part.type || first.shape.dropFirst() != part.shape.dropFirst() {
                throw Failure(.incompatible, "\(path) has images of several sizes", "give images of one --size")
            }
            parts.append(part)
        }
        guard !parts.isEmpty else { throw Failure(.data, "\(path) has no samples", "draw some with hl-sample -n") }
        if let bad = labels.first(where: { $0 < 0 }) {
            throw Failure(.data, "\(path) has a sample with the label \(bad)", "label it or leave it out")
        }
        images = HostTensor.concatenate(parts)
        self.labels = labels
        classNames = reader.header.classNames
    }
}
