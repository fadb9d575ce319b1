import Glibc

/// Whether two paths are of one file on a disk, which may not be there yet. Streams, pipes and `-` are none.
package func areOneFile(_ a: String, _ b: String) -> Bool {
    guard a != "-", b != "-" else { return false }
    var first = stat(), second = stat()
    guard stat(a, &first) == 0, stat(b, &second) == 0 else { return place(a) == place(b) }
    return first.st_mode & S_IFMT == S_IFREG && first.st_dev == second.st_dev && first.st_ino == second.st_ino
}

/// A path whose folder is spelt in the one way that has no links.
private func place(_ path: String) -> String {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? ".",
        name = slash.map { path[path.index(after: $0)...] } ?? path[...]
    guard let resolved = realpath(folder, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved) + "/" + name
}
