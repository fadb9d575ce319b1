import Dispatch
import Glibc
import HLFormats
import HLTensor

/// SHA-256 of a weights file, computed once per process and file, beside whatever else its owner does.
final class WeightsDigest: @unchecked Sendable {
    // Unchecked: `known` is touched only on `queue`.
    private let path: String

    private static let queue = DispatchQueue(label: "hl.weights-digest")
    nonisolated(unsafe) private static var known: [Identity: Result<String, any Error>] = [:]

    /// A file as it is now.
    private struct Identity: Hashable {
        var device = UInt(), inode = UInt(), size = Int(), seconds = Int(), nanoseconds = Int()
        let path: String

        init(_ path: String) {
            self.path = path
            var status = stat()
            guard stat(path, &status) == 0 else { return }
            (device, inode, size) = (UInt(status.st_dev), UInt(status.st_ino), Int(status.st_size))
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        }
    }

    /// - Parameter early: whether to begin at once, on a thread of its own, rather than when the digest is asked for.
    init(path: String, early: Bool) {
        self.path = path
        if early && Self.hasThread { Self.queue.async { _ = Self.result(path) } }
    }

    /// A queue that cannot have its thread keeps who asks waiting for ever; who asks first does the work then. The queue
    /// has a thread for itself too.
    private static var hasThread: Bool { (try? Machine.requireThreads(2, for: "a digest")) != nil }

    /// In hex; waits for it.
    /// - Throws: `Failure` (noInput, inputOutput).
    func hex() throws -> String { try Self.queue.sync { Self.result(path) }.get() }

    private static func result(_ path: String) -> Result<String, any Error> {
        let identity = Identity(path)
        if let result = known[identity] { return result }
        let result = Result { try SHA256.digest(ofFile: path) }
        known[identity] = result
        return result
    }
}
