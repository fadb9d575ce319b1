import HLFigures
import HLFormats
import HLTensor
import HLViews

/// The generators that a training went through, each with a sheet of its samples and one of what its chunks do.
///
/// Latents are those of `hl-sample` with the training's seed, so that all sheets show the same samples.
struct GeneratorGallery {
    let folder: CheckpointFolder
    /// Samples on the first sheet, in rows of `columns`: F32 [N, chunks, m].
    private let samples: HostTensor
    /// What stands on the second sheet, row by row: an anchor, and for each chunk the anchor with that chunk redrawn.
    private let moved: HostTensor
    private let chunks: Int

    private static let columns = 8
    private static let rows = 8
    /// Times that each chunk is redrawn.
    private static let redraws = 2

    /// - Parameter draw: latents [N, chunks, m] of the samples `first` and those behind it.
    init(folder: CheckpointFolder, chunks: Int, draw: (_ first: Int, _ count: Int) -> HostTensor) {
        self.folder = folder
        self.chunks = chunks
        samples = draw(0, Self.columns * Self.rows)
        let others = draw(Self.columns * Self.rows, Self.rows * Self.redraws), anchors = samples.rows(0..<Self.rows)
        let length = anchors.shape[2]
        let (values, fresh) = (anchors.floats, others.floats)
        var all: [Float] = []
        for row in 0..<Self.rows {
            let anchor = Array(values[row * chunks * length..<(row + 1) * chunks * length])
            all += anchor
            for chunk in 0..<chunks {
                for redraw in 0..<Self.redraws {
                    let source = ((row * Self.redraws + redraw) * chunks + chunk) * length
                    var latent = anchor
                    latent.replaceSubrange(
                        chunk * length..<(chunk + 1) * length, with: fresh[source..<source + length])
                    all += latent
                }
            }
        }
        moved = HostTensor(all, shape: [Self.rows * (1 + chunks * Self.redraws), chunks, length])
    }

    /// Adds `IMAGES.safetensors`, `IMAGES.png` and `IMAGES.chunks.png`.
    /// - Parameters:
    ///   - seen: images that the training has seen.
    ///   - render: F32 images [B, 3, S, S] of latents.
    func add(_ file: TensorFile, seen: Int, render: (HostTensor) throws -> HostTensor) throws {
        let name = folder.name(seen)
        try Checkpoint.write(file, to: name + ".safetensors", remedy: "lower the learning rates")
        try Self.write(try render(samples), columns: Self.columns, captions: [], to: name + ".png")
        let captions = (0..<chunks).flatMap { ["z^\($0)"] + [String](repeating: "", count: Self.redraws - 1) }
        try Self.write(
            try render(moved), columns: 1 + chunks * Self.redraws, captions: ["anchor"] + captions,
            to: name + ".chunks.png")
    }

    private static func write(_ images: HostTensor, columns: Int, captions: [String], to path: String) throws {
        let all = try Image.batch(images)
        var sheet = ContactSheet(
            rows: stride(from: 0, to: all.count, by: columns).map { Array(all[$0..<min($0 + columns, all.count)]) })
        sheet.columnCaptions = captions
        sheet.zoom = ContactSheet.zoom(forSide: images.shape[3])
        try sheet.rendered().writePNG(to: path)
    }
}
