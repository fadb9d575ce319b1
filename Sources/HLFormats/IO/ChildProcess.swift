import CSystem
import Glibc
import HLTensor
import Synchronization

/// A program that we started, with pipes to its standard input and from its standard output. Its stderr is ours.
///
/// Neither side can block the other for ever: what is written waits in memory, and goes out as the program takes it,
/// while we wait for what it says. A program that takes no more input is no error here; who waits for its answers sees
/// them end.
package final class ChildProcess: ByteSource, ByteSink {
    /// How a program ended.
    package enum End: Sendable, Equatable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)
        /// It did not end by itself.
        case stopped
        /// Somebody else has taken its status.
        case unknown

        package var description: String {
            switch self {
            case .status(let status): "ended with status \(status)"
            case .signal(let number): "was killed by signal \(number) (\(String(cString: strsignal(number))))"
            case .stopped: "closed its output"
            case .unknown: "ended"
            }
        }
    }

    /// Seconds that a program has to end by itself, where nobody is in a hurry.
    package static let grace = Double(HL_GROUP_GRACE)

    private let pid: pid_t
    /// The group's entry in the list of those that are ended when a signal ends us.
    private let entry: Int32
    /// The ends of ours, not blocking; -1 when closed.
    private var input: Int32
    private var output: Int32
    private var pending: [UInt8] = []
    /// Bytes of `pending` that are gone.
    private var sent = 0
    private var result: End?
    /// Whether the program has closed its standard output, mostly by ending.
    package private(set) var isSilent = false

    /// Starts `/bin/sh -c command` in a process group of its own, so that Ctrl-C leaves it to us when it ends. It sees
    /// the end of its input when we close it or end, however we end.
    /// - Throws: `Failure` (resources) where the system has no more processes or descriptors.
    package init(command: String) throws {
        // Between a pipe and its mark for closing, nobody else may start a program that would inherit it.
        let started = try Self.starting.withLock { _ in
            let (childInput, input) = try Self.pipe()
            defer { close(childInput) }
            do {
                let (output, childOutput) = try Self.pipe()
                defer { close(childOutput) }
                do {
                    return (pid: try Self.spawn(command, childInput, childOutput), input: input, output: output)
                } catch {
                    close(output)
                    throw error
                }
            } catch {
                close(input)
                throw error
            }
        }
        (pid, input, output) = started
        entry = hl_process_group_add(pid)
        for descriptor in [input, output] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        enlargePipe(input)
        enlargePipe(output)
    }

    deinit { end(grace: 0) }

    private static let starting = Mutex(())

    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw cannotStart(errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func spawn(_ command: String, _ input: Int32, _ output: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // We ignore SIGPIPE; handlers of ours end with the start of the program, and what nohup ignores stays so.
        var defaults = sigset_t(), mask = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        sigemptyset(&mask)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        // A command may begin with a minus sign.
        let words = ["sh", "-c", "--", command]
        let arguments = words.map { strdup($0) }
        defer { arguments.forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments + [nil], environ)
        guard code == 0 else { throw cannotStart(code) }
        return pid
    }

    private static func cannotStart(_ code: Int32) -> Failure {
        if code == ENOMEM { return Memory.failure(for: "a program") }
        if code == EMFILE || code == ENFILE {
            return Failure(
                .resources, "cannot start a program (\(String(cString: strerror(code))))",
                "raise the limit on open files (ulimit -n)")
        }
        return Machine.cannotStart("a program", code)
    }

    // MARK: Talking

    /// Takes the bytes and returns at once; they reach the program during later calls of `read` at the latest.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        guard input >= 0 else { return }
        pending.append(contentsOf: bytes)
        send()
    }

    /// Called again and again while `read` waits, with the seconds since it began to.
    package var whileWaiting: (Double) -> Void = { _ in }

    /// Reads what the program has said, or waits for it. Returns 0 when it has closed its output, or has failed and says
    /// no more, although something that it has started holds the output open.
    /// - Throws: `Interrupted`, where a signal that was deferred comes while it waits.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let begin = Self.now
        var failedAt: Double?
        while output >= 0 {
            wait(milliseconds: Int32(Interrupted.pause))
            let count = Glibc.read(output, buffer.baseAddress, min(buffer.count, 1 << 30))
            if count >= 0 {
                isSilent = count == 0
                return count
            }
            guard errno == EAGAIN || errno == EINTR else {
                throw Failure(.inputOutput, "cannot read from a program (\(systemError()))", "run it again")
            }
            try Interrupted.check()
            whileWaiting(Self.now - begin)
            if hasFailed { failedAt = failedAt ?? Self.now }
            if let failedAt, Self.now - failedAt > 1 {
                isSilent = true
                return 0
            }
        }
        return 0
    }

    /// Whether the program has ended with another status than 0. What it has started may still run.
    private var hasFailed: Bool {
        var info = siginfo_t()
        guard waitid(P_PID, id_t(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0, info.si_signo == SIGCHLD else {
            return false
        }
        return info.si_code != CLD_EXITED || info._sifields._sigchld.si_status != 0
    }

    /// Sleeps until the program has said something; sends meanwhile what it takes.
    private func wait(milliseconds: Int32) {
        var requests = [pollfd(fd: output, events: Int16(POLLIN), revents: 0)]
        if input >= 0 && !pending.isEmpty { requests.append(pollfd(fd: input, events: Int16(POLLOUT), revents: 0)) }
        _ = poll(&requests, nfds_t(requests.count), milliseconds)
        if requests.count > 1 && requests[1].revents != 0 { send() }
    }

    private func send() {
        while input >= 0 && sent < pending.count {
            let count = pending.withUnsafeBytes { bytes in
                Glibc.write(input, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                // It has ended, or reads no further: its answers tell which.
                closeInput()
            }
        }
        pending.removeAll(keepingCapacity: true)
        sent = 0
    }

    private func closeInput() {
        guard input >= 0 else { return }
        close(input)
        input = -1
        pending = []
        sent = 0
    }

    // MARK: Ending

    /// Ends the program's input after what has been written, leaves what it still says unread, and waits for its end.
    /// - Parameter grace: after so many seconds it is terminated, with all of its process group.
    @discardableResult
    package func end(grace: Double) -> End {
        if let result { return result }
        let deadline = Self.now + grace
        let scratch = HostBuffer(count: 1 << 16)
        while !isSilent && Self.now < deadline {
            if pending.isEmpty { closeInput() }
            wait(milliseconds: 20)
            let count = Glibc.read(output, scratch.pointer, scratch.count)
            isSilent = count == 0 || count < 0 && errno != EAGAIN && errno != EINTR
        }
        closeInput()
        close(output)
        output = -1
        let end = reap(until: deadline) ?? stop()
        result = end
        if end != .unknown { endGroup() }
        hl_process_group_forget(entry)
        return end
    }

    private func stop() -> End {
        kill(-pid, SIGTERM)
        if reap(until: Self.now + Double(HL_GROUP_PATIENCE)) == nil {
            kill(-pid, SIGKILL)
            _ = reap(until: .infinity)
        }
        return .stopped
    }

    /// Ends what the program has started and left behind. Its number stays that of the group as long as there is anybody
    /// in it.
    private func endGroup() {
        guard kill(-pid, SIGTERM) == 0 else { return }
        let deadline = Self.now + Double(HL_GROUP_PATIENCE)
        while Self.now < deadline {
            if kill(-pid, 0) != 0 { return }
            usleep(2000)
        }
        kill(-pid, SIGKILL)
    }

    /// - Returns: nil if the program still runs at the deadline.
    private func reap(until deadline: Double) -> End? {
        while true {
            var raw: Int32 = 0
            let code = waitpid(pid, &raw, WNOHANG)
            if code == pid { return raw & 0x7F == 0 ? .status((raw >> 8) & 0xFF) : .signal(raw & 0x7F) }
            // Where SIGCHLD is ignored, the system keeps no status.
            if code < 0 && errno != EINTR { return .unknown }
            if Self.now >= deadline { return nil }
            usleep(2000)
        }
    }

    /// Seconds of a clock that nobody sets.
    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
