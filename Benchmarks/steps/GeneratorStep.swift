import BenchmarkHarness
import HLCompute
import HLFormats
import HLGenerators
import HLNet
import HLTensor

/// A generator's images, timed: the counterpart of generators_reference.py. Options: `--weights FILE`, `--batch 8`,
/// `--threads 0`, `--backward 1`, `--backend auto`, `--precision f32`, `--expected FILE`.
///
/// With `--expected`, a safetensors file of make_generators.py, it first prints how far images and gradients are from
/// those of the public reference code.
package func generatorSteps(_ options: Options) throws {
    let batch = options.number("batch", 8), goesBack = options["backward"] == "1"
    let backend = try options.makeBackend(), precision = try options.precision(on: backend)
    let opening = try timed {
        var given = GeneratorOptionValues()
        given.set("--precision", precision)
        return try GeneratorSpecification.fromWeights(path: options["weights"] ?? "", options: given)
    }
    let specification = opening.result
    let loading = try timed { try specification.makeGenerator(on: backend) }
    guard let network = loading.result as? any NetworkGenerator else {
        throw Failure(.usage, "\(specification.name) is not a network", "give --weights")
    }

    /// Images of latents [B, d], and the gradient of Σ cotangent · image.
    func step(_ z: HostTensor, cotangent: HostTensor?) throws -> (images: Tensor, gradient: HostTensor?) {
        let tape = Tape(backend, recording: cotangent != nil)
        let input = Variable(backend.tensor(z), requiresGradient: cotangent != nil)
        let images = network.finishedImages(input, Pass(tape, training: false, precision: precision))
        guard let cotangent else { return (images.value, nil) }
        tape.backward(from: images, gradient: backend.tensor(cotangent))
        return (images.value, try input.takeGradient().map { try backend.read($0) })
    }

    if let path = options["expected"] {
        let expected = try Safetensors.read(path: path).tensors.mapTensors { try convertedToFloat32($0) }
        guard let z = expected["z"], let image = expected["image"], let gradient = expected["z_grad"] else {
            throw Failure(.usage, "\(path) lacks z, image or z_grad", "give a file of make_generators.py")
        }
        func largest(_ values: [Float]) -> Float { values.reduce(0) { max($0, abs($1)) } }
        let found = try step(z, cotangent: expected["cotangent"])
        let images = largest(zip(try backend.read(found.images).floats, image.floats).map(-))
        let gradients = largest(zip(found.gradient?.floats ?? [], gradient.floats).map(-)) / largest(gradient.floats)
        report("{\"image_error\": \(images), \"relative_gradient_error\": \(gradients)}")
    }
    var random = RandomKey(seed: 0, purpose: .anchor).sequence(id: 0)
    let size = specification.base.size, side = specification.resolution
    let z = HostTensor((0..<batch * size).map { _ in random.uniform(-2, 2) }, shape: [batch, size])
    let count = batch * 3 * side * side
    let cotangent =
        goesBack ? HostTensor((0..<count).map { _ in random.uniform(-1, 1) }, shape: [batch, 3, side, side]) : nil
    let costs = ", \"opening_seconds\": \(opening.seconds), \"loading_seconds\": \(loading.seconds)"
    try takeTurns(backend, ready: costs + ", \"precision\": \"\(precision.rawValue)\"") {
        let step = try timed {
            let images = try step(z, cotangent: cotangent).images
            // The last image is ready when all are; no more of them need to leave a card.
            _ = try backend.read(backend.rows(images, batch - 1..<batch))
        }
        return (step.seconds, nil)
    }
}
