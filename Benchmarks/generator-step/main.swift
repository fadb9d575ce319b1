// A generator's images, timed: the counterpart of generators_reference.py (see Harness.swift).
//
//     generator-step --weights FILE [--batch 8] [--threads 2] [--backward 1] [--precision f32] [--expected FILE]
//
// With --expected, a safetensors file of make_generators.py, it first prints how far images and gradients are from
// those of the public reference code.

import BenchmarkHarness
import HLCompute
import HLFormats
import HLGenerators
import HLNet
import HLTensor

let options = Options()
let batch = options.number("batch", 8)
let goesBack = options["backward"] == "1"

let opening = try timed {
    var given = GeneratorOptionValues()
    given.set("--precision", Precision(rawValue: options["precision"] ?? ""))
    return try GeneratorSpecification.fromWeights(path: options["weights"] ?? "", options: given)
}
let specification = opening.result
let backend = try BackendChoice.automatic.make(threads: options.number("threads", 0))
let loading = try timed { try specification.makeGenerator(on: backend) }
guard let network = loading.result as? any NetworkGenerator else { fatalError("not a network") }

/// Images of latents [B, d], and the gradient of Σ cotangent · image.
@MainActor func step(_ z: HostTensor, cotangent: HostTensor?) throws -> (images: HostTensor, gradient: HostTensor?) {
    let tape = Tape(backend, recording: cotangent != nil)
    let input = Variable(backend.tensor(z), requiresGradient: cotangent != nil)
    let images = network.finishedImages(
        input, Pass(tape, training: false, precision: specification.rendering.precision))
    guard let cotangent else { return (try backend.read(images.value), nil) }
    tape.backward(from: images, gradient: backend.tensor(cotangent))
    return (try backend.read(images.value), try input.takeGradient().map { try backend.read($0) })
}

func largest(_ values: [Float]) -> Float { values.reduce(0) { max($0, abs($1)) } }

if let path = options["expected"] {
    let expected = try Safetensors.read(path: path).tensors.mapTensors { try convertedToFloat32($0) }
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
try takeTurns(
    backend,
    ready: ", \"opening_seconds\": \(opening.seconds), \"loading_seconds\": \(loading.seconds)"
) { (try timed { _ = try step(z, cotangent: cotangent) }.seconds, nil) }
