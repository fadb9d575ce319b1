import CSystem
import Glibc
import HLTensor

/// A file that appears under its name only when it is complete: it is written under a temporary name in the same
/// directory and renamed by `commit()`. Without a commit nothing is left behind.
///
/// Devices and named pipes are written in place, and so are descriptors that are open already (`/dev/stderr`), from
/// where they stand.
package final class OutputFile: ByteSink {
    package let path: String
    /// Where the bytes really go: `path` with symbolic links followed.
    private let target: String
    private let temporary: String?
    /// The temporary name's entry in the list of files that a signal removes.
    private var entry: Int32 = -1
    private var descriptor: Int32

    /// - Parameter isClaimed: whether nobody else may write the file, be it meanwhile or before: several processes that one
    ///   launcher has started with the same command would each replace what another one has written.
    /// - Throws: `Failure` (cannotCreate).
    package init(path: String, isClaimed: Bool = false) throws {
        self.path = path
        if path.isEmpty { throw Failure(.cannotCreate, "the name of the output file is empty", "name a file") }
        if let number = HLFormats.descriptor(namedBy: path) {
            (target, temporary) = (path, nil)
            descriptor = duplicate(number)
            if descriptor < 0 { throw Self.failure(path) }
            return
        }
        var status = stat()
        let exists = stat(path, &status) == 0
        var resolved = path
        if exists, let real = realpath(path, nil) {
            resolved = String(cString: real)
            free(real)
        }
        target = resolved
        let kind = status.st_mode & S_IFMT
        if exists && kind == S_IFDIR {
            throw Failure(.cannotCreate, "\(path) is a directory", "name a file")
        }
        if exists && access(target, W_OK) != 0 { throw Self.failure(path) }
        if exists && kind != S_IFREG {
            temporary = nil
            descriptor = open(target, O_WRONLY | O_CLOEXEC)
        } else if isClaimed {
            let name = Self.claim(of: target)
            descriptor = open(name, Self.newFile, 0o666)
            if descriptor < 0 && errno == EEXIST { throw Self.claimed(path, by: name) }
            temporary = descriptor < 0 ? nil : name
        } else {
            (descriptor, temporary) = Self.createTemporary(beside: target)
            // The new file takes over the permissions of the one it replaces.
            if exists && descriptor >= 0 { _ = fchmod(descriptor, status.st_mode & 0o777) }
        }
        if descriptor < 0 { throw Self.failure(path) }
        if let temporary { entry = hl_temporary_add(temporary) }
        // Looked for once the claim stands: whoever had it before has been here, or never will be.
        if isClaimed && temporary != nil && access(target, F_OK) == 0 {
            abandon()
            throw Failure(
                .cannotCreate,
                "\(path) is there already, and processes of one launcher replace no file, which may be another one's",
                "give each a file of its own (hl-parallel(7)), or remove it before")
        }
    }

    deinit { abandon() }

    /// Tries early whether a file that takes long to make can be written.
    /// - Throws: `Failure` (cannotCreate).
    package static func check(path: String) throws {
        if let number = HLFormats.descriptor(namedBy: path) {
            let copy = duplicate(number)
            guard copy >= 0 else { throw failure(path) }
            close(copy)
            return
        }
        var status = stat()
        // The reader of a pipe that is opened and closed again would take that for the end.
        if stat(path, &status) == 0, ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) {
            guard access(path, W_OK) == 0 else { throw failure(path) }
            return
        }
        try OutputFile(path: path).abandon()
    }

    /// Writes a whole file.
    /// - Parameter isLasting: whether it has to survive a crash of the machine, which waits for the disk.
    /// - Throws: `Failure` (cannotCreate, inputOutput).
    package static func write(_ bytes: [UInt8], to path: String, isLasting: Bool = true) throws {
        let file = try OutputFile(path: path)
        try bytes.withUnsafeBytes { try file.write($0) }
        try file.commit(isLasting: isLasting)
    }

    private static let newFile = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC

    /// With its slash; empty for the working directory.
    private static func directory(of target: String) -> String {
        target.lastIndex(of: "/").map { String(target[...$0]) } ?? ""
    }

    /// The temporary name that all have in common who write one file.
    private static func claim(of target: String) -> String {
        let directory = directory(of: target)
        return "\(directory).hl-\(target.dropFirst(directory.count)).tmp"
    }

    private static func claimed(_ path: String, by name: String) -> Failure {
        Failure(
            .cannotCreate, "another process of this launcher writes \(path)",
            "give each a file of its own (hl-parallel(7)), or remove \(name) if none of them runs")
    }

    private static func createTemporary(beside target: String) -> (Int32, String?) {
        for attempt in 0..<1000 {
            let name = "\(directory(of: target)).hl-\(getpid())-\(attempt).tmp"
            let descriptor = open(name, newFile, 0o666)
            if descriptor >= 0 || errno != EEXIST { return (descriptor, name) }
        }
        return (-1, nil)
    }

    private static func failure(_ path: String) -> Failure {
        Failure(.cannotCreate, "cannot create \(path) (\(systemError()))", "check the directory and its permissions")
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard descriptor >= 0 else {
            throw Failure(.software, "\(path) was written to after it was closed", "report this defect")
        }
        try writeAll(bytes, to: descriptor, name: path)
    }

    /// Puts the file in its place. A second call does nothing.
    /// - Parameter isLasting: whether it has to survive a crash of the machine, which waits for the disk.
    /// - Throws: `Failure` (inputOutput); the temporary file is gone then.
    package func commit(isLasting: Bool = true) throws {
        guard descriptor >= 0 else { return }
        let isSafe = !isLasting || fsync(descriptor) == 0 || cannotBeSynchronised(errno)
        let failure = isSafe ? nil : writeFailure(path)
        if let failure {
            abandon()
            throw failure
        }
        let closed = close(descriptor)
        descriptor = -1
        if closed != 0 && errno != EINTR || temporary.map({ rename($0, target) != 0 }) ?? false {
            let failure = writeFailure(path)
            if let temporary { unlink(temporary) }
            hl_temporary_forget(entry)
            throw failure
        }
        hl_temporary_forget(entry)
    }

    /// Whether an error of fsync means that there is no such thing here: devices, pipes and some file systems (FUSE,
    /// network, overlays) have none. All that could be done for the bytes is done then.
    private func cannotBeSynchronised(_ code: Int32) -> Bool {
        [EINVAL, ENOSYS, EOPNOTSUPP].contains(code) || code == EROFS && temporary == nil
    }

    /// Removes what was written so far. Does nothing after `commit()`.
    package func abandon() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
        if let temporary { unlink(temporary) }
        hl_temporary_forget(entry)
    }
}
