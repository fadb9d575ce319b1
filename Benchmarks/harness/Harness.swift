import Glibc
import HLCompute
import HLTensor

// What the timed programs of this folder have in common. A script that compares keeps one of ours and its peer loaded and
// lets them take turns: on stdin, `run N` does N steps and prints one line of JSON; `quit` or the end of input ends. A step
// ends with a wait for what a card does: reading the loss is one.

/// The options of the command line, `--name value`.
package struct Options {
    private var values: [String: String] = [:]

    /// - Parameter words: arguments to leave out, which say what is to be done.
    package init(after words: Int = 0) {
        var arguments = CommandLine.arguments.dropFirst(1 + words).makeIterator()
        while let name = arguments.next(), let value = arguments.next() { values[name] = value }
    }

    package subscript(name: String) -> String? { values["--\(name)"] }

    package func number(_ name: String, _ standard: Int) -> Int { self[name].flatMap { Int($0) } ?? standard }

    /// What `--backend` names: auto, plain, onednn, cuda or cuda:N.
    /// - Throws: `Failure` (usage) for another name.
    package func backend(or standard: BackendChoice = .automatic) throws(Failure) -> BackendChoice {
        guard let name = self["backend"] else { return standard }
        guard let choice = BackendChoice(name) else {
            throw Failure(
                .usage, "there is no backend '\(name)'", "give one of \(Backends.forms.joined(separator: ", "))")
        }
        return choice
    }

    /// A backend as `--backend` and `--threads` say.
    package func makeBackend() throws(Failure) -> any Backend {
        try backend().make(threads: number("threads", 0))
    }

    /// What `--precision` says, else F32.
    /// - Throws: `Failure` (usage) for what the backend does not compute.
    package func precision(on backend: any Backend) throws(Failure) -> Precision {
        guard let name = self["precision"] else { return .f32 }
        guard let choice = PrecisionChoice(rawValue: name) else {
            throw Failure(
                .usage, "there is no precision '\(name)'",
                "give one of \(PrecisionChoice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return try choice.precision(on: backend)
    }
}

/// Of a clock that only goes forward.
package func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Prints a line at once, also into a pipe.
package func report(_ line: String) {
    print(line)
    fflush(nil)
}

/// Says that the program is ready, and does what it is asked to.
/// - Parameters:
///   - ready: further members of the first line.
///   - communicator: of several ranks the first one is asked, tells the others, and answers for all.
///   - more: further members of a line about steps.
///   - step: does one step and says how long it took, and its loss where it has one.
package func takeTurns(
    _ backend: any Backend, ready: String = "", over communicator: (any Communicator)? = nil,
    more: () -> String = { "" }, _ step: () throws -> (seconds: Double, loss: Double?)
) rethrows {
    func report(_ line: String) {
        if communicator?.rank ?? 0 == 0 { BenchmarkHarness.report(line) }
    }
    let summary = backend.summary.replacing("\"", with: "'")
    report("{\"ready\": true, \"summary\": \"\(summary)\"\(ready)}")
    let stopwatch = KernelStopwatch(backend)
    while let line = nextLine(of: communicator), line != "quit" {
        guard let count = Int(line.dropFirst(4)), count > 0, line.hasPrefix("run ") else { continue }
        let kernelsBefore = stopwatch.seconds
        var times: [Double] = [], losses: [String] = []
        for _ in 0..<count {
            let done = try step()
            times.append(done.seconds)
            if let loss = done.loss { losses.append(loss.isFinite ? "\(loss)" : "null") }
        }
        report(
            "{\"seconds_per_step\": \(times.sorted()[count / 2]), \"step_seconds\": \(times), "
                + "\"losses\": [\(losses.joined(separator: ", "))], "
                + "\"convolution_seconds\": \((stopwatch.seconds - kernelsBefore) / Double(count)), "
                + "\"peak_rss_mb\": \(peakMegabytes())\(more())}")
    }
}

/// What is to be done, on all ranks the same.
private func nextLine(of communicator: (any Communicator)?) -> String? {
    guard let communicator else { return readLine() }
    let line = communicator.rank == 0 ? readLine() : nil
    let steps = line.flatMap { UInt64($0.dropFirst(4)) } ?? 0
    let first = communicator.gather([steps])[0][0]
    return first > 0 ? "run \(first)" : nil
}

/// How long a piece of work takes.
package func timed<Result>(_ work: () throws -> Result) rethrows -> (seconds: Double, result: Result) {
    let start = seconds()
    let result = try work()
    return (seconds() - start, result)
}

/// Time spent inside the kernels that convolve, and nothing else: what no code of ours can save.
private final class KernelStopwatch {
    private(set) var seconds = 0.0

    /// Times the kernels of a backend from now on, where it has an engine for them.
    init(_ backend: any Backend) {
        (backend as? CPUBackend)?.engine.aroundKernel = { [unowned self] kernel in
            let start = BenchmarkHarness.seconds()
            kernel()
            self.seconds += BenchmarkHarness.seconds() - start
        }
    }
}

private func peakMegabytes() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss / 1024
}
