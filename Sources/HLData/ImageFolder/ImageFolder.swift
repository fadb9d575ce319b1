import HLFormats
import HLTensor

/// A folder of images in torchvision's layout: `<directory>/<split>/<class>/*.{jpg,jpeg,png}`, or without splits.
///
/// Classes are sorted by name and their files too, in byte order; hidden files and files of other kinds are left out.
package struct ImageFolder: ImageDataset {
    package let directory: String
    package let split: String?
    package let classNames: [String]
    private let root: String
    private let files: [(name: String, label: Int)]

    package var count: Int { files.count }
    package var source: String { "\(Self.kind.name):\(root)" }

    /// In the catalogue of data sets.
    static let kind = DatasetKind(
        name: "imagefolder", place: "DIR", abstract: "DIR/SPLIT/CLASS/IMAGE, or without splits",
        open: { try ImageFolder(directory: $0, split: $1) })

    package var identity: JSONObject {
        var object: JSONObject = ["kind": .string(Self.kind.name), "directory": .string(directory)]
        if let split { object["split"] = .string(split) }
        return object
    }

    private static let extensions = [".jpg", ".jpeg", ".png"]

    /// Lists the folder; images are opened only when they are read.
    ///
    /// - Parameter split: a subfolder such as `train`; nil where the classes lie directly in `directory`.
    /// - Throws: `Failure` `.noInput` for a missing folder or split and for a class without images, `.usage` when a
    ///   split has to be chosen or there is none.
    package init(directory: String, split: String? = nil) throws {
        let top = try Directory(directory)
        root = try split.map { try Self.root(of: $0, in: directory, top) } ?? directory
        let folders = split == nil ? top.folders : try Directory(root).folders
        guard !folders.isEmpty else {
            throw Failure(.noInput, "\(root) has no class folders", "give a folder of the form DIR/SPLIT/CLASS/IMAGE")
        }
        var files: [(name: String, label: Int)] = []
        for (label, folder) in folders.enumerated() {
            let entries = try Directory("\(root)/\(folder)")
            let images = entries.files.filter(Self.isImage)
            if images.isEmpty && split == nil && !entries.folders.isEmpty {
                throw Failure(
                    .usage, "\(directory) has splits: \(top.folders.joined(separator: ", "))",
                    "name the one to read")
            }
            guard !images.isEmpty else {
                throw Failure(
                    .noInput, "the class folder \(root)/\(folder) has no JPEG or PNG files",
                    "fill it or remove it")
            }
            files.reserveCapacity(files.count + images.count)
            for image in images { files.append(("\(folder)/\(image)", label)) }
        }
        self.directory = directory
        self.split = split
        self.files = files
        classNames = folders
    }

    /// The names of the splits in a directory: subfolders that hold folders themselves.
    package static func splits(in directory: String) throws -> [String] {
        splits(of: try Directory(directory), in: directory)
    }

    package func label(at index: Int) -> Int { files[index].label }

    package func sample(at index: Int) throws -> ImageSample {
        let path = path(at: index)
        return ImageSample(image: try Image.read(path: path), label: files[index].label, path: path)
    }

    /// The path of image `index` < ``count``.
    package func path(at index: Int) -> String { "\(root)/\(files[index].name)" }

    private static func root(of split: String, in directory: String, _ top: Directory) throws -> String {
        if top.folders.contains(split) { return "\(directory)/\(split)" }
        let splits = splits(of: top, in: directory)
        if splits.isEmpty && !top.folders.isEmpty {
            throw Failure(
                .usage, "\(directory) has no splits, its folders are classes", "do not name the split \(split)")
        }
        throw Failure(
            .noInput, "no split '\(split)' in \(directory)",
            splits.isEmpty
                ? "give a folder of the form DIR/SPLIT/CLASS/IMAGE"
                : "use one of \(splits.joined(separator: ", "))")
    }

    private static func splits(of top: Directory, in directory: String) -> [String] {
        top.folders.filter { !((try? Directory("\(directory)/\($0)"))?.folders.isEmpty ?? true) }
    }

    private static func isImage(_ name: String) -> Bool {
        let lower = name.lowercased()
        return extensions.contains { lower.hasSuffix($0) }
    }
}
