import Glibc
import HLTensor

/// What a directory holds, hidden entries left out, names in byte order.
package struct Directory {
    package private(set) var folders: [String] = []
    package private(set) var files: [String] = []

    /// - Throws: `Failure` `.noInput` when the directory cannot be read.
    package init(_ path: String) throws {
        guard let stream = opendir(path) else {
            let reason = String(cString: strerror(errno))
            throw Failure(.noInput, "cannot open the folder \(path) (\(reason))", "check the path and its permissions")
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            // The name's bytes stay valid until the next readdir; its declared size of 256 is not the record's.
            let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
            let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
            if name.hasPrefix(".") { continue }
            switch Self.kind(of: entry.pointee.d_type, at: "\(path)/\(name)") {
            case S_IFDIR: folders.append(name)
            case S_IFREG: files.append(name)
            default: continue
            }
        }
        folders.sort(by: Self.precedes)
        files.sort(by: Self.precedes)
    }

    /// The entry's `S_IF…`. Links count as what they lead to; only they, and file systems that do not say, cost a stat.
    private static func kind(of type: UInt8, at path: String) -> mode_t {
        switch Int(type) {
        case Int(DT_DIR): return S_IFDIR
        case Int(DT_REG): return S_IFREG
        default:
            var status = stat()
            return stat(path, &status) == 0 ? status.st_mode & S_IFMT : 0
        }
    }

    /// Byte order, as Python sorts names; Swift compares strings by canonical equivalence.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}
