// One SimSiam training step, timed: the counterpart of simsiam_step.py, driven the same way. On stdin, `run N` does N
// steps and prints one JSON line; `quit` or the end of input ends.
//
//     simsiam-step [--arch resnet18] [--batch 32] [--side 112] [--threads 2] [--backend auto]

import Glibc
import HLCompute
import HLEncoders
import HLNet
import HLTensor

var options: [String: String] = [:]
var arguments = CommandLine.arguments.dropFirst().makeIterator()
while let name = arguments.next(), let value = arguments.next() { options[name] = value }
let batch = Int(options["--batch"] ?? "") ?? 32
let side = Int(options["--side"] ?? "") ?? 112
let architecture = ResNet.Architecture(rawValue: options["--arch"] ?? "resnet18") ?? .resnet18
let choice = BackendChoice(rawValue: options["--backend"] ?? "auto") ?? .automatic

let backend = try choice.make(threads: Int(options["--threads"] ?? "") ?? 0)
let model = SimSiam(backend, backbone: ResNet(backend, architecture, width: Int(options["--width"] ?? "") ?? 64))
model.initialise(seed: 0, on: backend)
let optimiser = SGD(backend, model.parameters, momentum: 0.9, decay: 1e-4)
var sequence = RandomKey(seed: 0, purpose: .augmentation).sequence(id: 0)
let pixels = (0..<2 * batch * 3 * side * side).map { _ in sequence.uniform(-2, 2) }
let images = backend.tensor(HostTensor(pixels, shape: [2 * batch, 3, side, side]))

func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

@MainActor func step() throws -> Double {
    let tape = Tape(backend)
    let loss = model.loss(Variable(images), Pass(tape, training: true, groups: 2))
    tape.run()
    optimiser.step(rate: 0.05)
    return try loss.value(on: backend)
}

/// Prints a line at once, also into a pipe.
func report(_ line: String) {
    print(line)
    fflush(nil)
}

report("{\"ready\": true, \"summary\": \"\(backend.summary)\"}")
while let line = readLine(), line != "quit" {
    guard let count = Int(line.dropFirst(4)), line.hasPrefix("run ") else { continue }
    var times: [Double] = [], loss = 0.0
    let kernelsBefore = (backend as? CPUBackend)?.convolutionSeconds ?? 0
    for _ in 0..<count {
        let start = seconds()
        loss = try step()
        times.append(seconds() - start)
    }
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let median = times.sorted()[count / 2]
    let kernels = ((backend as? CPUBackend)?.convolutionSeconds ?? 0) - kernelsBefore
    report(
        "{\"program\": \"hl\", \"arch\": \"\(architecture.rawValue)\", \"side\": \(side), \"batch\": \(batch), "
            + "\"loss\": \(loss), \"step_seconds\": \(times), \"pairs_per_second\": \(Double(batch) / median), "
            + "\"convolution_seconds\": \(kernels / Double(count)), "
            + "\"peak_rss_mb\": \(Double(usage.ru_maxrss) / 1024)}")
}
