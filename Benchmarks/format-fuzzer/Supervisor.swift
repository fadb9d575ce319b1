import Glibc

/// Runs workers until every case has been tried, and counts what became of them.
/// - Returns: the number of findings.
func supervise(_ campaign: Campaign) -> Int {
    let end = campaign.first + campaign.cases
    var next = campaign.first, counts: [String: Int] = [:], findings = 0
    let start = time(nil)
    while next < end {
        let worker = Worker(campaign, from: next)
        var current = next, isDone = false
        while let line = worker.line(within: 5000) {
            if line.hasPrefix("case ") {
                current = Int(line.dropFirst(5)) ?? current
            } else if line.hasPrefix("result ") {
                let result = String(line.dropFirst(7))
                counts[result.hasPrefix("BAD") ? "bad" : result, default: 0] += 1
                if result.hasPrefix("BAD") {
                    findings += 1
                    keep(campaign, current, result)
                }
                if (current + 1) % 10_000 == 0 { report("\(current + 1): \(counts), \(time(nil) - start) s") }
            } else if line == "done" {
                isDone = true
            }
        }
        let status = worker.end()
        if isDone { break }
        findings += 1
        keep(campaign, current, "stopped with status \(status)")
        next = current + 1
    }
    let sorted = counts.sorted { $0.key < $1.key }
    report(
        "\(campaign.format.name): \(campaign.cases) cases of seed \(campaign.seed): \(sorted), \(findings) findings, \(time(nil) - start) s"
    )
    return findings
}

private func keep(_ campaign: Campaign, _ number: Int, _ what: String) {
    let path = "\(campaign.folder)/\(campaign.format.name)-\(campaign.seed)-\(number)"
    try? campaign.save(number, to: path)
    report("FINDING case \(number): \(what): \(path)")
}

/// A process that tries cases and reports on its standard output.
private final class Worker {
    private var process: pid_t = 0
    private let output: Int32
    private var pending: [UInt8] = []

    init(_ campaign: Campaign, from start: Int) {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        let words =
            [
                CommandLine.arguments[0], campaign.format.name, "--worker", String(start), "--cases",
                String(campaign.cases), "--from",
                String(campaign.first), "--seed", String(campaign.seed),
            ] + campaign.files
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
