import Glibc

/// Runs workers until every case has been tried, and counts what became of them.
/// - Returns: the number of findings.
@MainActor func supervise() -> Int {
    var next = first, counts: [String: Int] = [:], findings = 0
    let start = time(nil)
    while next < first + cases {
        let worker = Worker(from: next)
        var current = next, isDone = false
        while let line = worker.line(within: 5000) {
            if line.hasPrefix("case ") {
                current = Int(line.dropFirst(5)) ?? current
            } else if line.hasPrefix("result ") {
                let result = String(line.dropFirst(7))
                counts[result.hasPrefix("BAD") ? "bad" : result, default: 0] += 1
                if result.hasPrefix("BAD") {
                    findings += 1
                    keep(current, result)
                }
                if (current + 1) % 10_000 == 0 { report("\(current + 1): \(counts), \(time(nil) - start) s") }
            } else if line == "done" {
                isDone = true
            }
        }
        let status = worker.end()
        if isDone { break }
        findings += 1
        keep(current, "stopped with status \(status)")
        next = current + 1
    }
    report("\(cases) cases of seed \(seed): \(counts.sorted { $0.key < $1.key }), \(findings) findings, \(time(nil) - start) s")
    return findings
}

@MainActor private func keep(_ number: Int, _ what: String) {
    let path = "\(options["--keep"] ?? "/tmp")/weights-fuzzer-\(seed)-\(number)"
    save(Mutation.apply(case: number, seed: seed, to: seeds), to: path)
    report("FINDING case \(number): \(what): \(path)")
}

/// A process that tries cases and reports on its standard output.
private final class Worker {
    private var process: pid_t = 0
    private let output: Int32
    private var pending: [UInt8] = []

    @MainActor init(from start: Int) {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        let words =
            [CommandLine.arguments[0], "--worker", String(start), "--cases", String(cases), "--from", String(first),
             "--seed", String(seed)] + files
        var pointers = words.map { strdup($0) } + [nil]
        guard posix_spawn(&process, "/proc/self/exe", &actions, nil, &pointers, environ) == 0 else {
            fatalError("cannot start a worker")
        }
        posix_spawn_file_actions_destroy(&actions)
        for pointer in pointers { free(pointer) }
        close(ends[1])
        output = ends[0]
    }

    /// The next line, nil at the end of output or when nothing came for so many milliseconds.
    func line(within timeout: Int32) -> String? {
        while true {
            if let end = pending.firstIndex(of: 10) {
                defer { pending.removeFirst(end + 1) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            var wait = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, timeout) > 0 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(output, &buffer, buffer.count)
            guard count > 0 else { return nil }
            pending += buffer[..<count]
        }
    }

    /// - Returns: the status as `wait` gives it.
    func end() -> Int32 {
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        close(output)
        return status
    }
}
