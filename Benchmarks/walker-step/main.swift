// Steps of a walker's training, timed: the counterpart of walker_reference.py, driven the same way. On stdin, `run N`
// does N steps and prints one JSON line; `quit` or the end of input ends.
//
//     walker-step [--weights FILE] [--chunks 1-5] [--batch 8] [--threads 2] [--width 64]
//
// Without --weights it is the built-in generator.

import Glibc
import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import HLViews
import HLWalkers

var options: [String: String] = [:]
var arguments = CommandLine.arguments.dropFirst().makeIterator()
while let name = arguments.next(), let value = arguments.next() { options[name] = value }
let batch = Int(options["--batch"] ?? "") ?? 8
let threads = Int(options["--threads"] ?? "") ?? 2

func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

func peakMegabytes() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss / 1024
}

/// Prints a line at once, also into a pipe.
func report(_ line: String) {
    print(line)
    fflush(nil)
}

let specification =
    try options["--weights"].map { try GeneratorSpecification.fromWeights(path: $0, rendering: RenderingSettings()) }
    ?? GeneratorSpecification.named("shapes")
let generator = try specification.makeDifferentiableGenerator(threads: threads)
let backend = try BackendChoice.automatic.make(threads: threads)
var settings = WalkerSettings(chunks: try ChunkSet(parsing: options["--chunks"] ?? "1-5"), isWhole: false)
settings.batch = batch
settings.width = Int(options["--width"] ?? "") ?? settings.width
let trainer = try WalkerTrainer(settings, generator: generator, on: backend, threads: threads)
var random = RandomKey(seed: 0, purpose: .anchor).sequence(id: 0)
report("{\"ready\": true, \"summary\": \"\(backend.summary)\", \"peak_rss_mb\": \(peakMegabytes())}")
while let line = readLine(), line != "quit" {
    guard let count = Int(line.dropFirst(4)), line.hasPrefix("run ") else { continue }
    var times: [Double] = [], losses: [Double] = []
    for _ in 0..<count {
        let z = HostTensor(
            (0..<batch * specification.base.size).map { _ in random.uniform(-2, 2) },
            shape: [batch, specification.chunks, specification.dimension])
        let start = seconds()
        let step = try trainer.train(on: z, ids: HostTensor([Int64](repeating: 0, count: batch), shape: [batch]))
        times.append(seconds() - start)
        losses.append(step.loss)
    }
    report(
        "{\"seconds_per_step\": \(times.sorted()[count / 2]), \"step_seconds\": \(times), \"losses\": \(losses), "
            + "\"peak_rss_mb\": \(peakMegabytes())}")
}
