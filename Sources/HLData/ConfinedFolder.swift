import Glibc
import HLFormats
import HLTensor

/// A folder of a data set out of which nothing leads: neither names in its lists nor links. What is opened is what the
/// user's own path leads to, and what lies below that.
struct ConfinedFolder: Sendable {
    /// The user's path, and the way down from it.
    let path: SystemPath
    /// The user's folder without links, with a slash at its end.
    private let root: [UInt8]

    /// - Throws: `Failure(.noInput)` for what is no folder.
    init(_ path: SystemPath) throws {
        guard let resolved = Self.resolved(path) else {
            throw Failure(
                .noInput, "cannot open the folder \(path.shown) (\(String(cString: strerror(errno))))",
                Failure.remedy(forPath: path.shown))
        }
        guard Self.kind(of: path) == S_IFDIR else {
            throw Failure(.noInput, "\(path.shown) is no folder", "name the folder that the file lies in")
        }
        self.path = path
        root = resolved.last == UInt8(ascii: "/") ? resolved : resolved + [UInt8(ascii: "/")]
    }

    private init(path: SystemPath, root: [UInt8]) {
        self.path = path
        self.root = root
    }

    /// A folder within.
    /// - Throws: `Failure`: noInput where there is none, data where a link leads out.
    func folder(_ name: some StringProtocol) throws -> ConfinedFolder { try folder(SystemPath(String(name))) }

    func folder(_ name: SystemPath) throws -> ConfinedFolder {
        ConfinedFolder(path: try file(name), root: root)
    }

    /// The way to a file or folder within, which is there.
    /// - Throws: `Failure`: noInput where it is not, data where a link leads out.
    func file(_ name: some StringProtocol) throws -> SystemPath { try file(SystemPath(String(name))) }

    func file(_ name: SystemPath) throws -> SystemPath {
        let full = path / name
        guard let target = Self.resolved(full) else {
            throw Failure(
                .noInput, "cannot read \(full.shown) (\(String(cString: strerror(errno))))",
                Failure.remedy(forPath: full.shown))
        }
        guard target.starts(with: root) || target + [UInt8(ascii: "/")] == root else {
            throw Failure(
                .data, "\(full.shown) leads out of the data set, to \(SystemPath(bytes: target).shown)",
                "copy it to its place, or leave it out")
        }
        return full
    }

    /// Whether there is such a file or folder.
    func holds(_ name: some StringProtocol) -> Bool { Self.kind(of: path / SystemPath(String(name))) != 0 }

    /// The first of some names that is there.
    func first(of names: [String]) -> String? { names.first(where: holds) }

    /// What lies in the folder.
    func listing() throws -> Directory { try Directory(path) }

    /// A file's bytes, such as a list.
    /// - Throws: `Failure` (noInput, data).
    func contents(_ name: some StringProtocol) throws -> HostBuffer {
        let file = try file(name)
        guard Self.kind(of: file) == S_IFREG else {
            throw Failure(.noInput, "\(file.shown) is no file", "unpack the published archive again")
        }
        return try FileDescriptorSource(opening: file).readAll()
    }

    /// The lines of a text, those that are empty left out.
    func lines(_ name: some StringProtocol) throws -> [Substring] {
        let text = try contents(name).withBytes { String(decoding: $0, as: UTF8.self) }
        return text.split(whereSeparator: \.isNewline)
    }

    /// A name from a list, for a file within.
    /// - Parameter list: for the message.
    /// - Throws: `Failure(.data)` for one that leads elsewhere.
    static func checked(_ name: some StringProtocol, from list: String) throws -> SystemPath {
        let bytes = Array(name.utf8), slash = UInt8(ascii: "/")
        let parts = bytes.split(separator: slash, omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && !part.contains(0) && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
        }
        guard isPlain else {
            let shown = SystemPath(bytes: bytes.prefix(200)).shown
            throw Failure(
                .data, "\(list) names '\(shown)', which is no file of the data set",
                "take the list as it was published")
        }
        return SystemPath(bytes: bytes)
    }

    /// The path without links; nil where nothing is there.
    private static func resolved(_ path: SystemPath) -> [UInt8]? {
        path.withCString { path in
            guard let target = realpath(path, nil) else { return nil }
            defer { free(target) }
            return [UInt8](UnsafeRawBufferPointer(start: target, count: strlen(target)))
        }
    }

    /// The `S_IF…` of what a path leads to; 0 where nothing is there.
    private static func kind(of path: SystemPath) -> mode_t {
        var status = stat()
        return path.withCString { stat($0, &status) } == 0 ? status.st_mode & S_IFMT : 0
    }
}
