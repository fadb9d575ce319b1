import Foundation

/// Folders and empty files for a test, which go with it.
final class MadeFolders {
    /// Where they are.
    let root: String

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("hl-cuda-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// A file in folders that are made for it.
    /// - Returns: its path.
    @discardableResult
    func file(_ path: String, permissions: Int = 0o644) throws -> String {
        let whole = "\(root)/\(path)"
        try FileManager.default.createDirectory(
            atPath: (whole as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: whole, contents: nil, attributes: [.posixPermissions: permissions])
        else { throw CocoaError(.fileWriteUnknown) }
        return whole
    }

    /// The names of what is here.
    var files: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: root) } }

    /// A link to another path here.
    func link(_ path: String, to target: String) throws {
        try FileManager.default.createDirectory(
            atPath: ("\(root)/\(path)" as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(root)/\(path)", withDestinationPath: "\(root)/\(target)")
    }
}
