import Foundation
import Glibc

/// A `bash -c` in a process group of its own, which is killed as a whole at the end, so that nothing endless outlives a
/// test.
package final class Child {
    package enum Problem: Error {
        case cannotStart(Int32)
        case tookTooLong(String)
    }

    package let pid: pid_t
    private let script: String
    private var status: Int32?
    /// The signal that killed it, if one did.
    package private(set) var killer: Int32?

    /// - Parameter script: its stdout and stderr go to the two files; stdin is empty.
    package init(_ script: String, in directory: String, output: String, errors: String) throws {
        self.script = script
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals as in a login shell, whatever the test runner did to them.
        var defaults = sigset_t(), mask = sigset_t()
        sigemptyset(&defaults)
        sigemptyset(&mask)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = Programs.directory + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
        environment["LC_ALL"] = "C"
        // Tests are about the files that they name; those of records take it back.
        environment["HL_RECORD"] = "none"
        var child: pid_t = 0
        let failed = Self.withStrings(["bash", "-c", "cd \"$0\" || exit\n" + script, directory]) { arguments in
            Self.withStrings(environment.map { "\($0)=\($1)" }) { variables in
                posix_spawnp(&child, "bash", &actions, &attributes, arguments, variables)
            }
        }
        guard failed == 0 else { throw Problem.cannotStart(failed) }
        pid = child
    }

    deinit {
        if status == nil {
            kill(-pid, SIGKILL)
            var ignored: Int32 = 0
            waitpid(pid, &ignored, 0)
        }
    }

    /// Sends a signal to the program itself; `exec` in the script makes that program ours.
    package func signal(_ number: Int32) { kill(pid, number) }

    /// - Returns: as a shell tells it, 128 + number for a signal; nil while it runs.
    package func poll() -> Int32? {
        if let status { return status }
        var raw: Int32 = 0
        guard waitpid(pid, &raw, WNOHANG) == pid else { return nil }
        // Whatever it has left behind.
        kill(-pid, SIGKILL)
        if raw & 0x7F != 0 { killer = raw & 0x7F }
        status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
        return status
    }

    package func wait(limit seconds: Int = 120) throws -> Int32 {
        try until(limit: seconds) { poll() }
    }

    /// Asks until there is an answer. Throws when the limit has passed; the group is killed then.
    @discardableResult
    package func until<Answer>(limit seconds: Int = 120, _ question: () throws -> Answer?) throws -> Answer {
        for _ in 0..<seconds * 500 {
            if let answer = try question() { return answer }
            usleep(2000)
        }
        kill(-pid, SIGKILL)
        throw Problem.tookTooLong(script)
    }

    private static func withStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }
}
