import Glibc
import HLData
import HLFigures
import HLFormats
import HLTensor

/// A folder of the walkers that a training went through, each with a sheet of anchors and what it makes of them.
struct WalkerGallery {
    let folder: String

    /// Anchors on a sheet.
    static let columns = 8

    /// - Parameters:
    ///   - folder: nil takes the output's name with `.checkpoints` for its ending.
    /// - Throws: `Failure(.cannotCreate)`.
    init(folder: String?, output: String) throws {
        let ending = ".safetensors"
        self.folder =
            folder ?? (output.hasSuffix(ending) ? String(output.dropLast(ending.count)) : output) + ".checkpoints"
        guard mkdir(self.folder, 0o777) == 0 || errno == EEXIST else {
            throw Failure(
                .cannotCreate, "cannot make the folder \(self.folder) (\(String(cString: strerror(errno))))",
                "give another --checkpoints")
        }
    }

    /// Whether it holds checkpoints already, which those of a new run would stand between.
    var isUsed: Bool { (try? Directory(folder).files.contains { $0.hasEnding([".safetensors"]) }) ?? false }

    /// Adds `SAMPLES.safetensors` and `SAMPLES.png`.
    /// - Parameter views: F32 images [B, 3, S, S], B at most `columns`.
    func add(
        _ file: TensorFile, samples: Int, ids: HostTensor,
        views: () throws -> (anchors: HostTensor, positives: HostTensor)
    ) throws {
        let digits = String(samples)
        // Names that sort by samples.
        let name = "\(folder)/\(String(repeating: "0", count: max(0, 9 - digits.count)))\(digits)"
        try Checkpoint.write(file, to: name + ".safetensors", remedy: "lower the learning rates")
        let images = try views()
        var sheet = ContactSheet(rows: [try Image.batch(images.anchors), try Image.batch(images.positives)])
        sheet.rowCaptions = ["anchor", "view"]
        sheet.columnCaptions = ids.integers.map { String($0) }
        sheet.zoom = ContactSheet.zoom(forSide: images.anchors.shape[3])
        try sheet.rendered().writePNG(to: name + ".png")
    }
}
