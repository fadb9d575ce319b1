import HLCompute
import HLEncoders
import HLFormats
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension EncodersTests {
    /// What BYOL and MoCo carry from step to step.
    struct MomentumTrainingTests {
        /// A run that was saved and loaded in the middle ends with the same bits, and its file has no follower.
        @Test(arguments: testedBackends, ["byol", "moco"])
        func resumed(_ choice: TestedBackend, _ method: String) throws {
            let whole = try Self.trainer(choice, method)
            try Self.train(whole, 0..<4)
            let first = try Self.trainer(choice, method)
            try Self.train(first, 0..<2)
            let second = try Self.trainer(choice, method)
            try second.restore(first.state(), step: 2)
            try Self.train(second, 2..<4)
            let (expected, actual) = (try whole.state(), try second.state())
            #expect(expected.names == actual.names)
            for (name, tensor) in expected {
                let other = try #require(actual[name])
                #expect(tensor.withUnsafeBytes { [UInt8]($0) } == other.withUnsafeBytes { [UInt8]($0) }, "\(name)")
            }
            let follower = method == "byol" ? "target." : "key."
            #expect(expected.names.contains { $0.hasPrefix(follower) })
            let inFile = try whole.weights().names
            #expect(inFile.allSatisfy { !$0.hasPrefix(follower) && !$0.hasPrefix("queue.") })
            #expect(inFile.contains(method == "byol" ? "predictor.3.weight" : "head.2.weight"))
            #expect(inFile.contains("backbone.conv1.weight"))
        }

        @Test(arguments: testedBackends) func damagedCheckpoint(_ choice: TestedBackend) throws {
            let trainer = try Self.trainer(choice, "moco")
            var state = try trainer.state()
            state["queue.keys"] = HostTensor([Float](repeating: 0, count: 128), shape: [1, 128])
            #expect(throws: Failure.self) { try trainer.restore(state, step: 1) }
        }

        /// Keys replace the oldest, whatever the batch; the first are random directions.
        @Test(arguments: testedBackends) func queue(_ choice: TestedBackend) throws {
            let backend = try choice.make(threads: 2), queue = KeyQueue(backend, count: 5, dimension: 3)
            queue.fill(seed: 1)
            let start = try backend.read(queue.keys).floats
            for row in 0..<5 {
                let square = start[3 * row..<3 * row + 3].reduce(0) { $0 + $1 * $1 }
                #expect(abs(square - 1) < 1e-5)
            }
            #expect(Set(start).count == 15)
            func batch(_ values: [Float]) -> Tensor {
                backend.tensor(HostTensor(values.flatMap { [$0, $0, $0] }, shape: [values.count, 3]))
            }
            func column() throws -> [Float] {
                let values = try backend.read(queue.keys).floats
                return stride(from: 0, to: 15, by: 3).map { values[$0] }
            }
            queue.add(batch([1, 2]))
            #expect(try column() == [1, 2] + [6, 9, 12].map { start[$0] })
            queue.add(batch([3, 4]))
            queue.add(batch([5, 6]))
            #expect(try column() == [6, 2, 3, 4, 5])
            #expect(queue.batches(of: 2) == 3)
            queue.add(batch([7, 8, 9, 10, 11]))
            #expect(try column() == [11, 7, 8, 9, 10])
            queue.fill(seed: 1)
            #expect(try backend.read(queue.keys).floats == start)
        }

        @Test func groups() {
            #expect([2, 8, 63, 64, 96, 100, 256, 257].map(MoCo.groups(batch:)) == [1, 1, 1, 2, 3, 2, 8, 1])
        }

        @Test func momentumOfBYOL() throws {
            let backend = try BackendChoice.plain.make(threads: 1)
            let method = BYOL(
                backend, backbone: ResNet(backend, .resnet18, width: 1), dimension: 2, hidden: 2, momentum: 0.9,
                steps: 100)
            #expect(method.momentum(step: 0) == 0.9)
            #expect(abs(method.momentum(step: 50) - 0.95) < 1e-6)
            #expect(method.momentum(step: 100) == 1 && method.momentum(step: 1000) == 1)
        }

        private static func trainer(_ choice: TestedBackend, _ name: String) throws -> EncoderTrainer {
            let method = try #require(Methods.named(name))
            var given: [String: MethodOption.Value] = ["target-momentum": .number(0.9)]
            if name == "moco" { given["queue"] = .integer(12) }
            let settings = TrainingSettings(
                method: method, values: try method.values(given), architecture: .resnet18, width: 16, stem: .imagenet,
                augmentation: .noColor, batch: 8, steps: 4, rate: 0.1, warmupSteps: 0, seed: 5)
            return EncoderTrainer(settings, on: try choice.make(threads: 2))
        }

        private static func train(_ trainer: EncoderTrainer, _ steps: Range<Int>) throws {
            for step in steps {
                let views = (0..<2).map { view in
                    Formula.array("resume.\(step).\(view)", [8, 3, 32, 32]) { $0 }
                }
                let images = trainer.backend.tensor(HostTensor.concatenate(views))
                let report = try trainer.train(on: images, ids: (0..<8).map { Int64(8 * step + $0) }, wantsReport: true)
                #expect(report.map { $0.loss.isFinite && $0.spread.isFinite } == true)
            }
        }
    }
}
