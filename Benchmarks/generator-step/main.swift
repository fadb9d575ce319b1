// A generator's images, timed: the counterpart of generators_reference.py, driven the same way. On stdin, `run N` does N
// batches and prints one JSON line; `quit` or the end of input ends.
//
//     generator-step --weights FILE [--batch 8] [--threads 2] [--backward 1] [--expected FILE]
//
// With --expected, a safetensors file of make_generators.py, it first prints how far images and gradients are from
// those of the public reference code.

import Glibc
import HLCompute
import HLFormats
import HLGenerators
import HLNet
import HLTensor

var options: [String: String] = [:]
var arguments = CommandLine.arguments.dropFirst().makeIterator()
while let name = arguments.next(), let value = arguments.next() { options[name] = value }
let batch = Int(options["--batch"] ?? "") ?? 8
let goesBack = options["--backward"] == "1"

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

let opening = seconds()
let specification = try GeneratorSpecification.fromWeights(
    path: options["--weights"] ?? "", rendering: RenderingSettings())
let hashed = seconds()
guard
    let network = try specification.makeGenerator(threads: Int(options["--threads"] ?? "") ?? 0)
        as? any NetworkGenerator
else { fatalError("not a network") }
let backend = network.backend
let loaded = seconds()

/// Images of latents [B, d], and the gradient of Σ cotangent · image.
@MainActor func step(_ z: HostTensor, cotangent: HostTensor?) throws -> (images: HostTensor, gradient: HostTensor?) {
    let tape = Tape(backend, recording: cotangent != nil)
    let input = Variable(backend.tensor(z), requiresGradient: cotangent != nil)
    let images = network.finishedImages(input, Pass(tape, training: false))
    guard let cotangent else { return (try backend.read(images.value), nil) }
    tape.backward(from: images, gradient: backend.tensor(cotangent))
    return (try backend.read(images.value), try input.takeGradient().map { try backend.read($0) })
}

func largest(_ values: [Float]) -> Float { values.reduce(0) { max($0, abs($1)) } }

if let path = options["--expected"] {
    let expected = try Safetensors.read(path: path).tensors.mapTensors { convertedToFloat32($0) }
    guard let z = expected["z"], let image = expected["image"], let gradient = expected["z_grad"] else {
        fatalError("\(path) lacks z, image or z_grad")
    }
    let found = try step(z, cotangent: expected["cotangent"])
    let images = largest(zip(found.images.floats, image.floats).map(-))
    let gradients = largest(zip(found.gradient?.floats ?? [], gradient.floats).map(-)) / largest(gradient.floats)
    report("{\"image_error\": \(images), \"relative_gradient_error\": \(gradients)}")
}
var random = RandomKey(seed: 0, purpose: .anchor).sequence(id: 0)
let size = specification.base.size, side = specification.resolution
let z = HostTensor((0..<batch * size).map { _ in random.uniform(-2, 2) }, shape: [batch, size])
let cotangent =
    goesBack
    ? HostTensor((0..<batch * 3 * side * side).map { _ in random.uniform(-1, 1) }, shape: [batch, 3, side, side]) : nil
report(
    "{\"ready\": true, \"summary\": \"\(backend.summary)\", \"opening_seconds\": \(hashed - opening), "
        + "\"loading_seconds\": \(loaded - hashed), \"peak_rss_mb\": \(peakMegabytes())}")
while let line = readLine(), line != "quit" {
    guard let count = Int(line.dropFirst(4)), line.hasPrefix("run ") else { continue }
    var times: [Double] = []
    let kernelsBefore = (backend as? CPUBackend)?.convolutionSeconds ?? 0
    for _ in 0..<count {
        let start = seconds()
        _ = try step(z, cotangent: cotangent)
        times.append(seconds() - start)
    }
    let kernels = ((backend as? CPUBackend)?.convolutionSeconds ?? 0) - kernelsBefore
    report(
        "{\"seconds_per_image\": \(times.sorted()[count / 2] / Double(batch)), \"step_seconds\": \(times), "
            + "\"convolution_seconds_per_image\": \(kernels / Double(count * batch)), "
            + "\"peak_rss_mb\": \(peakMegabytes())}")
}
