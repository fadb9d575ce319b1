import BenchmarkHarness
import HLCompute
import HLEncoders
import HLNet
import HLTensor

/// SimSiam training steps, timed: the counterpart of simsiam_step.py. Options: `--arch resnet18`, `--batch 32`, `--side 112`,
/// `--width 64`, `--threads 0`, `--backend auto`, `--precision f32`, `--batch-norm global`, `--delay 0`
/// (microseconds that gathering takes longer).
///
/// Under mpirun all ranks do them together, each with a batch of that size.
package func simSiamSteps(_ options: Options) throws {
    let batch = options.number("batch", 32), side = options.number("side", 112)
    let architecture = ResNet.Architecture(rawValue: options["arch"] ?? "") ?? .resnet18
    let group = try Launcher.current().flatMap { launcher in
        launcher.count > 1 ? try MPICommunicator.join(launcher) { report("rank \($0) is gone") } : nil
    }
    let recorder = group.map { ExchangeRecorder($0, delay: options.number("delay", 0)) }
    let scope = BatchNormScope(rawValue: options["batch-norm"] ?? "") ?? .global

    let backend = try options.makeBackend(), precision = try options.precision(on: backend)
    let ranks = recorder.map { backend.ranks(over: $0) }
    let model = SimSiam(backend, backbone: ResNet(backend, architecture, width: options.number("width", 64)))
    model.initialise(seed: 0, on: backend)
    let optimiser = SGD(backend, model.parameters, momentum: 0.9, decay: 1e-4)
    var sequence = RandomKey(seed: 0, purpose: .augmentation).sequence(id: 0)
    let pixels = (0..<2 * batch * 3 * side * side).map { _ in sequence.uniform(-2, 2) }
    let images = backend.tensor(HostTensor(pixels, shape: [2 * batch, 3, side, side]))
    let parameters = model.parameters.map(\.parameter)

    func exchanges() -> String { recorder.map { ", \"exchanges\": \($0.json)" } ?? "" }
    try takeTurns(
        backend, ready: ", \"precision\": \"\(precision.rawValue)\"", over: group, more: exchanges
    ) {
        recorder?.begin()
        let step = try timed {
            let tape = Tape(backend)
            let sums = ranks.map { GradientSums($0, of: parameters, on: tape) }
            let pass = Pass(tape, training: true, groups: 2, precision: precision, ranks: ranks, batchNorm: scope)
            let loss = model.loss(Variable(images), pass)
            tape.run()
            sums?.finish()
            optimiser.step(rate: 0.05)
            return try loss.value(on: backend)
        }
        return (step.seconds, step.result)
    }
    group?.leave()
}
