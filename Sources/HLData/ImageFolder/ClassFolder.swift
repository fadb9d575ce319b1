import HLFormats
import HLTensor

/// The images of one class: those in its folder and in the folders below, at any depth, as torchvision's ImageFolder finds
/// them and in its order.
struct ClassFolder {
    /// Paths within the class's folder.
    private(set) var images: [SystemPath] = []
    private(set) var omissions = Omissions()
    /// Whether there are images right in the folder, and folders in it.
    private(set) var hasImages = false
    private(set) var hasFolders = false

    /// The endings, of any case, by which images are known.
    static let imageEndings = [".jpg", ".jpeg", ".png"] + (Image.readsWebP ? [".webp"] : [])
    /// Endings of pictures that are not read.
    static let otherEndings =
        [
            ".gif", ".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jfif", ".jpe", ".jp2", ".j2k",
            ".jxl",
            ".heic", ".heif", ".avif", ".tga",
        ] + (Image.readsWebP ? [] : [".webp"])
    /// Folders that file servers and archives put beside a user's own, with pictures that are none of the user's.
    static let foreignFolders: Set<String> = ["@eaDir", "@Recycle", "#recycle", "__MACOSX", "lost+found"]

    static func isForeign(_ folder: SystemPath) -> Bool { foreignFolders.contains(folder.text) }

    /// - Throws: `Failure(.noInput)` for a folder that cannot be read.
    init(_ folder: SystemPath) throws {
        var found: [(folder: SystemPath, images: [SystemPath])] = []
        try walk(folder, within: nil, above: DirectoryIdentity.above(folder), &found)
        // Folders by their paths, and the images of each by their names.
        found.sort { $0.folder < $1.folder }
        images = found.flatMap(\.images)
    }

    /// - Parameters:
    ///   - path: of a folder; `within` is the same from the class's folder on, nil for that itself.
    ///   - above: the folders that lead to it.
    private mutating func walk(
        _ path: SystemPath, within: SystemPath?, above: [DirectoryIdentity],
        _ found: inout [(folder: SystemPath, images: [SystemPath])]
    ) throws {
        let directory = try Directory(path)
        func inside(_ name: SystemPath) -> SystemPath { within.map { $0 / name } ?? name }
        var images: [SystemPath] = []
        for name in directory.files {
            if name.hasEnding(Self.imageEndings) {
                images.append(inside(name))
            } else if name.hasEnding(Self.otherEndings) {
                omissions.add(.format, path / name)
            }
        }
        for name in directory.danglingLinks { omissions.add(.danglingLink, path / name) }
        for name in directory.hidden where name.hasEnding(Self.imageEndings) { omissions.add(.hidden, path / name) }
        if within == nil {
            hasImages = !images.isEmpty
            hasFolders = directory.folders.contains { !Self.isForeign($0) }
        }
        found.append((within ?? SystemPath(""), images))
        guard !directory.folders.isEmpty, let identity = DirectoryIdentity(path) else { return }
        for name in directory.folders {
            if Self.isForeign(name) {
                omissions.add(.foreignFolder, path / name)
            } else if let next = DirectoryIdentity(path / name), (above + [identity]).contains(next) {
                omissions.add(.circle, path / name)
            } else {
                try walk(path / name, within: inside(name), above: above + [identity], &found)
            }
        }
    }
}
