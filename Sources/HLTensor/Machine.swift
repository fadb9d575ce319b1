import CSystem
import Glibc

/// What the machine offers this process.
package enum Machine {
    /// Processors that this process may run on, at least 1.
    package static var processorCount: Int { Int(hl_processor_count()) }

    /// Those whose time it may use, at least 1: in a container with a quota, such as `docker run --cpus 2`, no more than
    /// that. What `--threads 0` stands for.
    package static var coreCount: Int { Int(hl_usable_processor_count()) }

    /// Threads beside those that compute: one that reads ahead, one that hashes weights, one that keeps the record of the
    /// run, and one that the queues of the system keep for themselves.
    package static let helperThreads = 4

    /// Whether so many threads more can be had. To be asked before what starts them: no queue and no library lives
    /// through one that it cannot have.
    /// - Throws: `Failure` (resources).
    package static func requireThreads(_ count: Int, for purpose: String) throws(Failure) {
        let code = hl_threads_try(Int32(clamping: count))
        if code != 0 { throw cannotStart("\(count) \(count == 1 ? "thread" : "threads") for \(purpose)", code) }
    }

    /// What to throw where the system has no more threads or processes.
    /// - Parameter code: of `errno.h`.
    package static func cannotStart(_ what: String, _ code: Int32) -> Failure {
        let limit = hl_process_limit()
        let known = limit < 0 ? "" : ", ulimit -u is \(limit)"
        return Failure(
            .resources, "cannot start \(what) (\(String(cString: strerror(code)))\(known))",
            "lower --threads, end other programs, or raise the limit on processes (ulimit -u, a container's pids.max)")
    }
}
