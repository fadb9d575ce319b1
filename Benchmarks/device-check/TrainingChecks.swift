import BenchmarkHarness
import Glibc
import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TrainingCases

/// Trainings that are done twice, each time on a backend of its own: the same bits.
func checkRepeats(_ checker: Checker) throws {
    for precision in checker.precisions(of: try checker.make()) {
        var small = RepeatedTraining(), large = RepeatedTraining()
        small.precision = precision
        (large.precision, large.architecture, large.pairs, large.side) = (precision, .resnet50, 32, 112)
        for training in checker.isTiny ? [small] : [small, large] {
            let name = "\(training.architecture.rawValue), \(training.pairs) pairs of \(training.side) px"
            checker.piece("repeats", "\(name), \(precision.rawValue)") {
                let first = try training.run(on: checker.make()), second = try training.run(on: checker.make())
                let others = zip(first, second).count { $0 != $1 }
                let isFinite = first.joined().allSatisfy { Float(bitPattern: $0).isFinite }
                return [
                    "ok": .bool(first == second && isFinite), "steps": .integer(Int64(training.steps)),
                    "tensors": .integer(Int64(first.count)), "different": .integer(Int64(others)),
                    "finite": .bool(isFinite),
                ]
            }
        }
    }
}

/// Trainings beside PyTorch's, five steps each, and beside the plain backend's own.
///
/// PyTorch's are in F32 (from float64): how far other precisions are from them is said, and no fault.
func checkParity(_ checker: Checker) throws {
    guard let path = checker.options["fixture"] else {
        return report(#"{"check":"parity","name":"all","skipped":true,"error":"no --fixture"}"#)
    }
    let fixture = try Safetensors.read(path: path)
    for precision in checker.precisions(of: try checker.make()) {
        for training in TrainingParity.allCases {
            checker.piece("parity", "\(training.rawValue), \(precision.rawValue)") {
                let run = try training.run(beside: fixture, precision: precision, on: checker.make())
                let faults = run.findings.filter(\.isFault)
                var record: JSONObject = [
                    "ok": .bool(precision == .f32 ? faults.isEmpty : run.losses.allSatisfy(\.isFinite)),
                    "losses": numbers(run.losses),
                    "pytorch": numbers(try fixture.tensor("\(training.rawValue).losses").floats.map(Double.init)),
                    "compared": .integer(Int64(run.findings.count)),
                ]
                if let worst = run.findings.max(by: { $0.deviation / $0.tolerance < $1.deviation / $1.tolerance }) {
                    record["worst"] = .number(worst.deviation)
                    record["allowed"] = .number(worst.tolerance)
                    record["worst_place"] = .string(worst.place)
                }
                if precision == .f32 && !faults.isEmpty {
                    record["faults"] = .array(faults.prefix(6).map { .string($0.description) })
                    record["fault_count"] = .integer(Int64(faults.count))
                }
                // Processors have no TF32.
                if precision != .tf32 && !checker.isPlain {
                    let plain = try training.run(beside: fixture, precision: precision, on: checker.makePlain())
                    record["plain"] = numbers(plain.losses)
                }
                return record
            }
        }
    }
}

/// Trainings that are stopped after half of their steps, written to a file, and go on from it on another backend: the bits of
/// those that are not stopped.
func checkResume(_ checker: Checker) throws {
    let path = (checker.options["folder"] ?? "/tmp") + "/device-check-\(getpid()).safetensors"
    for precision in checker.precisions(of: try checker.make()) {
        for method in [SimSiam.description, BYOL.description, MoCo.description] {
            checker.piece("resume", "\(method.name), \(precision.rawValue)") {
                let training = ResumedTraining(method: method, precision: precision, isTiny: checker.isTiny)
                let whole = try training.start(on: checker.make())
                try training.go(whole, to: 6)
                let stopped = try training.start(on: checker.make())
                try training.go(stopped, to: 3)
                defer { unlink(path) }
                try Safetensors.write(TensorFile(tensors: stopped.state()), to: path)
                let resumed = try training.start(on: checker.make())
                try resumed.restore(Safetensors.read(path: path).tensors, step: 3)
                try training.go(resumed, to: 6)
                let (expected, found) = (try whole.state(), try resumed.state())
                let others = expected.filter { entry in
                    guard let other = found[entry.name] else { return true }
                    return !entry.tensor.withUnsafeBytes { a in other.withUnsafeBytes { a.elementsEqual($0) } }
                }
                return [
                    "ok": .bool(others.isEmpty && found.count == expected.count),
                    "tensors": .integer(Int64(expected.count)), "different": .integer(Int64(others.count)),
                    "names": .array(others.prefix(6).map { .string($0.name) }),
                ]
            }
        }
    }
}

/// Six steps of a method on images of its own.
private struct ResumedTraining {
    let method: MethodDescription
    let precision: Precision
    let isTiny: Bool

    func start(on backend: any Backend) throws -> EncoderTrainer {
        let values = try method.values(method.name == "moco" ? ["queue": .integer(64)] : [:])
        return EncoderTrainer(
            TrainingSettings(
                method: method, values: values, architecture: .resnet18, width: isTiny ? 8 : 64, stem: .imagenet,
                augmentation: .simclr, batch: 8, steps: 6, seed: 5, precision: precision), on: backend)
    }

    func go(_ trainer: EncoderTrainer, to end: Int) throws {
        for step in trainer.step..<end {
            let ids = (0..<8).map { Int64(8 * step + $0) }
            let images = Formula.pixels(8 * trainer.settings.viewsPerSample, side: isTiny ? 32 : 96)
            _ = try trainer.train(on: trainer.backend.tensor(images), ids: ids, wantsReport: true)
        }
    }
}

private func numbers(_ values: [Double]) -> JSONValue { .array(values.map { .number($0) }) }
