import BenchmarkHarness
import HLCompute
import HLGenerators
import HLTensor
import HLViews
import HLWalkers

/// Steps of a walker's training, timed: the counterpart of walker_reference.py. Options: `--weights FILE`, `--chunks 1-5`,
/// `--batch 8`, `--threads 2`, `--width 64`, `--backend auto`, `--precision f32`.
///
/// Without `--weights` it is the built-in generator.
package func walkerSteps(_ options: Options) throws {
    let batch = options.number("batch", 8)
    let backend = try options.backend().make(threads: options.number("threads", 2))
    let precision = try options.precision(on: backend)
    var given = GeneratorOptionValues()
    given.set("--precision", precision)
    let specification =
        try options["weights"].map { try GeneratorSpecification.fromWeights(path: $0, options: given) }
        ?? GeneratorSpecification.named("shapes")
    let generator = try specification.makeDifferentiableGenerator(on: backend)
    var settings = WalkerSettings(chunks: try ChunkSet(parsing: options["chunks"] ?? "1-5"), isWhole: false)
    settings.batch = batch
    settings.precision = precision
    settings.width = options.number("width", settings.width)
    let trainer = try WalkerTrainer(settings, generator: generator)
    let ids = HostTensor([Int64](repeating: 0, count: batch), shape: [batch])
    var random = RandomKey(seed: 0, purpose: .anchor).sequence(id: 0)

    try takeTurns(backend, ready: ", \"precision\": \"\(precision.rawValue)\"") {
        let z = HostTensor(
            (0..<batch * specification.base.size).map { _ in random.uniform(-2, 2) },
            shape: [batch, specification.chunks, specification.dimension])
        let step = try timed { try trainer.train(on: z, ids: ids) }
        return (step.seconds, step.result.loss)
    }
}
