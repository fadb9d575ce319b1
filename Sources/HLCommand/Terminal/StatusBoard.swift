import CSystem
import Glibc
import HLFormats
import Synchronization

/// Where programs that share a terminal see each other's lines: a file for each terminal, which one of them at a time reads,
/// changes and draws.
///
/// Nobody has to be there to keep it. A program that was killed leaves a line that the next one to draw takes away, and a
/// lock that the system takes away. What stands in the file is believed only as far as it can be read.
final class StatusBoard: Sendable {
    private let descriptor: Int32
    /// Threads of one process share the lock on the file. Whether it is known that a signal was noted: what was said of it at
    /// once stands where the lines were, and they go on below.
    private let access = Mutex(false)

    /// That of the terminal that standard error is; nil where it is none, where the terminal cannot move its cursor, or
    /// where there is no place for a file: then the last program of a pipeline has a line, and others none.
    static let shared: StatusBoard? = StatusBoard()

    private init?() {
        var status = stat()
        guard isatty(STDERR_FILENO) == 1, TerminalScreen.canMove, fstat(STDERR_FILENO, &status) == 0,
            let folder = Self.folder()
        else { return nil }
        let name = "\(folder)/terminal-\(status.st_dev)-\(status.st_rdev)"
        descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0 { return nil }
    }

    /// A folder of the user's own: below `XDG_RUNTIME_DIR`, else below `TMPDIR` or `/tmp`.
    private static func folder() -> String? {
        func own(_ path: String, _ mode: mode_t) -> Bool {
            var status = stat()
            return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
                && status.st_mode & mode == 0
        }
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        let runtime = variable("XDG_RUNTIME_DIR").flatMap { own($0, 0o022) ? "\($0)/hl-views" : nil }
        let path = runtime ?? "\(variable("TMPDIR") ?? "/tmp")/hl-views-\(geteuid())"
        if mkdir(path, 0o700) != 0 && errno != EEXIST { return nil }
        return own(path, 0o077) ? path : nil
    }

    // MARK: What stands in it

    private struct Content {
        /// Rows on the screen, and the group whose they are.
        var drawn = 0
        var group: Int32 = 0
        var lines: [StatusLine] = []
    }

    /// The most that is read of it: programs beyond that have no line.
    private static let limit = 1 << 16

    private func read() -> Content {
        var buffer = [UInt8](repeating: 0, count: Self.limit)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return Content() }
        let rows = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n")
        guard let head = rows.first?.split(separator: " "), head.count == 4, head[0] == "hl-views", head[1] == "1",
            let drawn = Int(head[2]), let group = Int32(head[3]), (0...1000).contains(drawn)
        else { return Content() }
        return Content(drawn: drawn, group: group, lines: rows.dropFirst().compactMap { StatusLine(record: $0) })
    }

    private func write(_ content: Content) {
        let rows = ["hl-views 1 \(content.drawn) \(content.group)"] + content.lines.map(\.record)
        var text = rows.joined(separator: "\n") + "\n"
        text.withUTF8 { bytes in
            if pwrite(descriptor, bytes.baseAddress, bytes.count, 0) == bytes.count {
                _ = ftruncate(descriptor, off_t(bytes.count))
            }
        }
    }

    // MARK: Changing it

    /// What a program has to say.
    enum Change {
        /// Its line, in the place of the one that it had.
        case show(StatusLine)
        /// The line that it ends with: it stays until the last of the pipeline has ended, and with that for good.
        case finish(StatusLine)
        /// It has no line any more. Where it is the last of its pipeline, what is on the screen stays.
        case leave
        /// Words that stay above the lines, with the end of their line.
        case say(String)
    }

    /// Makes a change and draws what comes of it.
    /// - Parameter patience: milliseconds to wait for another program that is drawing.
    /// - Returns: false where that took longer: nothing has happened.
    func change(_ change: Change, patience: Int = 0) -> Bool {
        access.withLock { hasNotedSignal in
            var left = patience
            while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
                if errno != EINTR {
                    guard left > 0 else { return false }
                    usleep(5000)
                    left -= 5
                }
            }
            defer { flock(descriptor, LOCK_UN) }
            let isNew = !hasNotedSignal && hl_signals_noted() != 0
            hasNotedSignal = hasNotedSignal || isNew
            apply(change, onFreshRow: isNew)
            return true
        }
    }

    private func apply(_ change: Change, onFreshRow: Bool) {
        var content = read()
        let own = ProcessIdentity.own, group = getpgrp(), foreground = tcgetpgrp(STDERR_FILENO)
        content.lines.removeAll { !$0.isDone && $0.process != own && !$0.process.isAlive }
        // Those that have ended wait for the last of their pipeline, and may have done so in vain.
        let live = Set(content.lines.filter { !$0.isDone }.map(\.group))
        content.lines.removeAll { $0.isDone && !live.contains($0.group) }
        func isThere(_ line: StatusLine) -> Bool { line.group == content.group && !line.isDone }
        // Rows that nobody is left of are not ours to move: a shell may have written below them.
        if !content.lines.contains(where: isThere) { content.drawn = 0 }
        // Who is in the background leaves the terminal alone; where it cannot be told, nobody is.
        let isInFront = foreground < 0 || foreground == group
        if content.group != group && isInFront {
            content.drawn = 0
            content.group = group
        }
        if onFreshRow { content.drawn = 0 }
        let before = content.drawn
        func ofGroup(_ line: StatusLine) -> Bool { line.group == group }
        func hasLast() -> Bool { content.lines.contains { ofGroup($0) && $0.isLast && !$0.isDone } }
        var message = "", isLeft = false
        switch change {
        case .say(let text): message = text
        case .show(let line):
            // A new pipeline begins with a new picture.
            if line.isLast && !hasLast() { content.lines.removeAll { ofGroup($0) && $0.isDone } }
            content.lines.removeAll { $0.process == own }
            content.lines.append(line)
        case .finish(let line):
            content.lines.removeAll { $0.process == own }
            var last = line
            last.isDone = true
            if line.isLast || hasLast() { content.lines.append(last) }
            isLeft = line.isLast && !hasLast()
        case .leave:
            let wasLast = content.lines.contains { $0.process == own && $0.isLast }
            isLeft = wasLast && content.lines.filter { ofGroup($0) && $0.isLast && !$0.isDone }.count == 1
            if !isLeft { content.lines.removeAll { $0.process == own } }
        }
        let block = StatusBlock(
            content.lines.filter(ofGroup), columns: TerminalScreen.width, rows: TerminalScreen.height)
        if isInFront {
            // Nothing was there, and nothing is: the screen is left as it is but for the words.
            if before == 0 && block.lines.isEmpty {
                TerminalScreen.emit(message)
            } else {
                TerminalScreen.emit(block.text(replacing: before, above: message, isLeft: isLeft))
            }
            content.drawn = isLeft ? 0 : block.lines.count
        } else {
            TerminalScreen.emit(message)
        }
        if isLeft { content.lines.removeAll(where: ofGroup) }
        write(content)
    }

    /// Whether programs beside this one have lines.
    func hasOthers() -> Bool {
        let group = getpgrp()
        return read().lines.contains { $0.group == group && $0.process != .own }
    }
}
