import BenchmarkHarness
import HLCompute
import HLEncoders
import HLGenerators
import HLTensor
import HLViews

/// Steps of training on views as they are made, timed: what hl-sample | hl-perturb | hl-train do, in one process, and the
/// counterpart of online_training_reference.py. Options: `--weights FILE`, `--arch resnet18`, `--batch 16`, `--width 64`,
/// `--augment no-color`, `--threads 0`, `--backend auto`, `--precision f32`.
///
/// A step draws anchors and their positives, of which all chunks but the first are moved, renders both, and trains SimSiam on
/// them.
package func onlineSteps(_ options: Options) throws {
    let batch = options.number("batch", 16)
    let backend = try options.makeBackend(), precision = try options.precision(on: backend)
    var given = GeneratorOptionValues()
    given.set("--precision", precision)
    let specification =
        try options["weights"].map { try GeneratorSpecification.fromWeights(path: $0, options: given) }
        ?? GeneratorSpecification.named("shapes")
    let generator = try specification.makeGenerator(on: backend)
    let method = SimSiam.description
    let settings = TrainingSettings(
        method: method, values: try method.values(),
        architecture: ResNet.Architecture(rawValue: options["arch"] ?? "") ?? .resnet18,
        width: options.number("width", 64), stem: .imagenet,
        augmentation: AugmentationSet(rawValue: options["augment"] ?? "") ?? .noColor, batch: batch, steps: 1_000_000,
        seed: 0, precision: precision)
    let trainer = EncoderTrainer(settings, on: backend)
    let positives = try RandomPerturbation(
        groups: [
            PerturbationGroup(
                chunks: try ChunkSet(parsing: "1-\(specification.chunks - 1)"), noise: TruncatedNormal.standard)
        ], seed: 0)
    let key = RandomKey(seed: 0, purpose: .anchor)
    var first: Int64 = 0

    try takeTurns(backend, ready: ", \"precision\": \"\(precision.rawValue)\"") {
        let step = try timed {
            let numbers = (first..<first + Int64(batch)).map { $0 }, ids = HostTensor(numbers, shape: [batch])
            let anchors = TruncatedNormal.standard.draw(ids: ids, perSample: specification.base.size, key: key)
                .reshaped([batch, specification.chunks, specification.dimension])
            let views = try [anchors] + positives.apply(to: anchors, ids: ids)
            let latents = views.enumerated().map { Latents($1, ids: ids, view: $0) }
            let images = try generator.render(latents, pixels: .u8)
            return try trainer.train(on: images, ids: numbers, wantsReport: true)?.loss
        }
        first += Int64(batch)
        return (step.seconds, step.result)
    }
}
