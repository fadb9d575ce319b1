import Foundation
import Glibc
import HLData
import HLFormats
import HLTensor
import Testing

/// A folder of our own making that goes with its last owner.
final class Scratch {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("hl-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let file = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    func write(_ grey: UInt8, side: Int = 4, to name: String) throws {
        try write(Image(width: side, height: side, grey: grey).pngBytes(), to: name)
    }

    /// A file whose name need not be UTF-8, in a folder that is made too where it is missing.
    func write(_ grey: UInt8, toBytes name: [UInt8]) throws {
        let parts = name.split(separator: UInt8(ascii: "/"))
        var folder = SystemPath(path)
        _ = folder.withCString { mkdir($0, 0o755) }
        for part in parts.dropLast() {
            folder = folder / SystemPath(bytes: part)
            _ = folder.withCString { mkdir($0, 0o755) }
        }
        let file = folder / SystemPath(bytes: try #require(parts.last))
        let descriptor = file.withCString { open($0, O_WRONLY | O_CREAT, 0o644) }
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let bytes = try Image(width: 4, height: 4, grey: grey).pngBytes()
        try #require(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: target)
    }

    /// Two splits of two classes, with distractors.
    static func photographs() throws -> Scratch {
        let folder = Scratch()
        try folder.write(10, to: "train/dog/b.png")
        try folder.write(11, to: "train/dog/a.PNG")
        // A JPEG by name only.
        try folder.write(12, to: "train/Zebra/1.jpg")
        try folder.write(13, to: "train/dog/.hidden.png")
        try folder.write([1, 2, 3], to: "train/dog/notes.txt")
        try folder.write([1, 2, 3], to: "train/list.txt")
        try folder.write(14, to: "train/.cache/x.png")
        try folder.write(20, to: "test/dog/a.png")
        try folder.write(21, to: "test/Zebra/a.png")
        return folder
    }
}

func failure(_ body: () throws -> Void) -> Failure? {
    do { try body() } catch { return error as? Failure }
    return nil
}
