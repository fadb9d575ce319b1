import Glibc

/// The number of the open descriptor that a path stands for: `/dev/stdout`, `/dev/stderr`, `/dev/fd/N` or
/// `/proc/self/fd/N`; nil for other paths.
///
/// Opening such a path would open the file behind it anew, from its beginning and without the `>>` of a shell: what is in
/// it would be lost. So it is written to where it stands.
package func descriptor(namedBy path: String) -> Int32? {
    switch path {
    case "/dev/stdout": return STDOUT_FILENO
    case "/dev/stderr": return STDERR_FILENO
    default:
        for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
            let digits = path.dropFirst(folder.count)
            if !digits.isEmpty && digits.utf8.allSatisfy({ (48...57).contains($0) }) { return Int32(digits) }
        }
        return nil
    }
}

/// A descriptor of our own for the one of that number.
/// - Returns: -1 with `errno` where there is none that can be written to.
func duplicate(_ descriptor: Int32) -> Int32 {
    let flags = fcntl(descriptor, F_GETFL)
    guard flags >= 0 else { return -1 }
    if flags & O_ACCMODE == O_RDONLY {
        errno = EBADF
        return -1
    }
    return fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
}
