import HLFigures
import HLFormats
import HLTensor

/// A folder of the walkers that a training went through, each with a sheet of anchors and what it makes of them.
struct WalkerGallery {
    let folder: CheckpointFolder

    /// Anchors on a sheet.
    static let columns = 8

    /// Adds `SAMPLES.safetensors` and `SAMPLES.png`.
    /// - Parameter views: F32 images [B, 3, S, S], B at most `columns`.
    func add(
        _ file: TensorFile, samples: Int, ids: HostTensor,
        views: () throws -> (anchors: HostTensor, positives: HostTensor)
    ) throws {
        let name = folder.name(samples)
        try Checkpoint.write(file, to: name + ".safetensors", remedy: "lower the learning rates")
        let images = try views()
        var sheet = ContactSheet(rows: [try Image.batch(images.anchors), try Image.batch(images.positives)])
        sheet.rowCaptions = ["anchor", "view"]
        sheet.columnCaptions = ids.integers.map { String($0) }
        sheet.zoom = ContactSheet.zoom(forSide: images.anchors.shape[3])
        try sheet.rendered().writePNG(to: name + ".png")
    }
}
