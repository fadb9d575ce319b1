import Glibc
import HLTensor

/// Compiled kernels in files of the user's, one by key. Nothing here fails: what cannot be read is compiled anew, and
/// what cannot be written is compiled again next time.
package struct KernelCache {
    /// Where they are.
    package let folder: String

    /// A file begins with this, the digest of what follows, and a line feed.
    private static let mark = Array("hl-views kernels ".utf8)
    private static let headerCount = mark.count + 64 + 1

    /// A cache in a folder, which is made when something is kept.
    package init(folder: String) { self.folder = folder }

    /// The user's own: `hl-views` in $XDG_CACHE_HOME, or in `~/.cache`.
    /// - Parameter variable: of the environment.
    /// - Returns: nil for a user without a home.
    package init?(_ variable: (String) -> String? = { getenv($0).map { String(cString: $0) } }) {
        // A path that is not absolute is to be ignored (https://specifications.freedesktop.org/basedir-spec/latest/).
        func path(_ name: String) -> String? { variable(name).flatMap { $0.hasPrefix("/") ? $0 : nil } }
        guard let base = path("XDG_CACHE_HOME") ?? path("HOME").map({ "\($0)/.cache" }) else { return nil }
        folder = "\(base)/hl-views"
    }

    /// What was kept, if it is whole and ours.
    package func code(for key: String) -> [UInt8]? {
        let file = open("\(folder)/\(key)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        // Code of others is not run.
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(),
            (Self.headerCount + 1..<1 << 28).contains(Int(status.st_size))
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size)), done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress.map { $0 + done }, $0.count - done) }
            guard count > 0 else { return nil }
            done += count
        }
        let code = Array(bytes[Self.headerCount...])
        return bytes.starts(with: Self.header(of: code)) ? code : nil
    }

    /// Keeps code. Who reads at the same time finds all of it or nothing.
    package func keep(_ code: [UInt8], for key: String) {
        makeFolders()
        let path = "\(folder)/\(key)", temporary = "\(path).\(getpid())"
        // Of a process that was killed, and had this number.
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        let bytes = Self.header(of: code) + code
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { write(file, $0.baseAddress.map { $0 + done }, $0.count - done) }
            guard count > 0 else { break }
            done += count
        }
        if close(file) != 0 || done < bytes.count || rename(temporary, path) != 0 { unlink(temporary) }
    }

    private static func header(of code: [UInt8]) -> [UInt8] { mark + Array("\(SHA256.digest(of: code))\n".utf8) }

    private func makeFolders() {
        guard access(folder, W_OK) != 0 else { return }
        var path = ""
        for part in folder.split(separator: "/") {
            path += "/\(part)"
            mkdir(path, 0o700)
        }
    }
}
