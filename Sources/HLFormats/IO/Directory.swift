import Glibc
import HLTensor

/// What a directory holds, names in byte order. Links count as what they lead to.
package struct Directory {
    package private(set) var folders: [SystemPath] = []
    package private(set) var files: [SystemPath] = []
    /// Files and folders whose name begins with a dot.
    package private(set) var hidden: [SystemPath] = []
    /// Links to what is not there.
    package private(set) var danglingLinks: [SystemPath] = []

    package init(_ path: String) throws { try self.init(SystemPath(path)) }

    /// - Throws: `Failure` `.noInput` when the directory cannot be read.
    package init(_ path: SystemPath) throws {
        guard let stream = path.withCString({ opendir($0) }) else {
            let reason = String(cString: strerror(errno)), shown = path.shown
            throw Failure(
                .noInput, "cannot open the folder \(shown) (\(reason))", Failure.remedy(forPath: shown))
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            // The name's bytes stay valid until the next readdir; its declared size of 256 is not the record's.
            let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
            let start = UnsafeRawPointer(entry) + offset
            let length = strlen(start.assumingMemoryBound(to: CChar.self))
            let name = SystemPath(bytes: UnsafeRawBufferPointer(start: start, count: length))
            if name.bytes.first == UInt8(ascii: ".") {
                if name.bytes != [UInt8(ascii: ".")] && name.bytes != Array("..".utf8) { hidden.append(name) }
                continue
            }
            switch Self.kind(of: entry.pointee.d_type, at: path / name) {
            case S_IFDIR: folders.append(name)
            case S_IFREG: files.append(name)
            case S_IFLNK: danglingLinks.append(name)
            default: continue
            }
        }
        folders.sort()
        files.sort()
        hidden.sort()
        danglingLinks.sort()
    }

    /// The entry's `S_IF…`; that of a link only where it leads nowhere. Only links, and file systems that do not say what
    /// an entry is, cost a stat.
    private static func kind(of type: UInt8, at path: @autoclosure () -> SystemPath) -> mode_t {
        switch Int(type) {
        case Int(DT_DIR): return S_IFDIR
        case Int(DT_REG): return S_IFREG
        default:
            return path().withCString { path in
                var status = stat()
                if stat(path, &status) == 0 || lstat(path, &status) == 0 { return status.st_mode & S_IFMT }
                return 0
            }
        }
    }
}

/// Which directory a path leads to, whatever it is called.
package struct DirectoryIdentity: Hashable {
    private let device: UInt64
    private let number: UInt64

    /// nil where there is nothing.
    package init?(_ path: SystemPath) {
        var status = stat()
        guard path.withCString({ stat($0, &status) }) == 0 else { return nil }
        (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    /// The folders that a folder lies in, up to the root of all.
    package static func above(_ path: SystemPath) -> [DirectoryIdentity] {
        var found: [DirectoryIdentity] = [], place = path
        while let next = DirectoryIdentity(place / SystemPath("..")), next != found.last {
            found.append(next)
            place = place / SystemPath("..")
        }
        return found
    }
}
