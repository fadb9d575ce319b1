import HLCompute
import HLNet
import HLTensor
import OperationCases
import TestSupport
import Testing

extension NetTests {
    /// What the layer hands on: a residual, ReLU and groups, against one after another.
    struct FusionTests {
        static let shapes = [[4, 18, 5, 3], [6, 24]]
        static let tolerance = 2e-6

        @Test(arguments: shapes)
        func residualAndReLU(_ shape: [Int]) throws {
            let backend = try BackendChoice.plain.make(threads: 2)
            let x = Formula.centred("x", shape), residual = Formula.centred("residual", shape)
            let cotangent = Formula.centred("cotangent", shape)
            for isTraining in [true, false] {
                let fused = Trial(backend, training: isTraining), parts = Trial(backend, training: isTraining)
                let fusedNorm = try norm(shape[1], backend), partsNorm = try norm(shape[1], backend)

                let a = fused.input(x), r = fused.input(residual)
                let y = fusedNorm(try activation(a, fused), residual: r, relu: true, fused.pass)
                fused.backward(y, cotangent)

                let b = parts.input(x)
                let normed = partsNorm(try activation(b, parts), parts.pass)
                let sum = backend.add(normed.value, backend.tensor(residual))
                let expected = backend.relu(sum)
                let masked = backend.reluBackward(backend.tensor(cotangent), output: expected)
                parts.backward(normed, try backend.read(masked))

                let what = "training \(isTraining)"
                expectClose(try fused.read(y), try backend.read(expected), Self.tolerance, what)
                expectClose(try fused.gradient(r), try backend.read(masked), Self.tolerance, what)
                expectClose(try fused.gradient(a), try parts.gradient(b), Self.tolerance, what)
                expectClose(
                    try fused.gradient(fusedNorm.weight), try parts.gradient(partsNorm.weight), Self.tolerance, what)
                expectClose(
                    try fused.gradient(fusedNorm.bias), try parts.gradient(partsNorm.bias), Self.tolerance, what)
            }
        }

        /// With fixed statistics and nothing recorded an activation is one pass with the norm.
        @Test(arguments: testedBackends, shapes)
        func activation(_ choice: TestedBackend, _ shape: [Int]) throws {
            let backend = try choice.make(threads: 2)
            let x = Formula.array("x", shape) { 20 * $0 - 6 }
            let norm = BatchNorm(backend, shape[1], epsilon: 1e-3)
            try norm.load(on: backend) { name in
                name == "num_batches_tracked" ? nil : Formula.state(name, [shape[1]], ofNorm: true)
            }
            let silent = Pass(Tape(backend, recording: false), training: false), trial = Trial(backend, training: false)
            let fused = norm(Variable(backend.tensor(x)), activation: .relu6, silent)
            let parts = norm(trial.input(x), activation: .relu6, trial.pass)
            expectClose(try backend.read(fused.value), try trial.read(parts), Self.tolerance, "relu6")
            let values = try trial.read(parts).floats
            #expect(values.contains(0) && values.contains(6) && values.allSatisfy { (0...6).contains($0) })
            let (mean, variance, weight, bias) = try state(norm, backend)
            let channels = shape[1], positions = shape.dropFirst(2).reduce(1, *)
            let expected = x.floats.enumerated().map { index, value in
                let c = index / positions % channels
                return min(max((value - mean[c]) / (variance[c] + 1e-3).squareRoot() * weight[c] + bias[c], 0), 6)
            }
            expectClose(try trial.read(parts), HostTensor(expected, shape: shape), 1e-5, "formula")
        }

        private func state(_ norm: BatchNorm, _ backend: any Backend) throws -> ([Float], [Float], [Float], [Float]) {
            let state = Dictionary(uniqueKeysWithValues: try norm.state(on: backend).map { ($0.name, $0.tensor) })
            func values(_ name: String) throws -> [Float] { try #require(state[name]).floats }
            return (
                try values("running_mean"), try values("running_var"), try values("weight"), try values("bias")
            )
        }

        /// Two groups in one batch are two forward passes.
        @Test(arguments: shapes)
        func groups(_ shape: [Int]) throws {
            let backend = try BackendChoice.plain.make(threads: 2)
            let x = Formula.array("x", shape) { 3 * $0 }, cotangent = Formula.centred("cotangent", shape)
            let half = shape[0] / 2, halves = [0..<half, half..<shape[0]]

            let together = Trial(backend, groups: 2)
            let groupedNorm = try norm(shape[1], backend)
            let a = together.input(x)
            let y = groupedNorm(try activation(a, together), relu: true, together.pass)
            together.backward(y, cotangent)

            let singleNorm = try norm(shape[1], backend)
            var outputs: [HostTensor] = [], gradients: [HostTensor] = []
            for rows in halves {
                let trial = Trial(backend)
                let b = trial.input(x.rows(rows))
                let y = singleNorm(try activation(b, trial), relu: true, trial.pass)
                outputs.append(try trial.read(y))
                trial.backward(y, cotangent.rows(rows))
                gradients.append(try trial.gradient(b))
            }
            expectClose(try together.read(y), HostTensor.concatenate(outputs), Self.tolerance, "output")
            expectClose(try together.gradient(a), HostTensor.concatenate(gradients), Self.tolerance, "input gradient")
            expectClose(
                try together.gradient(groupedNorm.weight), try together.gradient(singleNorm.weight), Self.tolerance,
                "weight gradient")
            for (one, other) in zip(try groupedNorm.state(on: backend), try singleNorm.state(on: backend)) {
                if one.tensor.type == .i64 {
                    #expect(one.tensor.integers == [2] && other.tensor.integers == [2])
                } else {
                    expectClose(one.tensor, other.tensor, Self.tolerance, one.name)
                }
            }
        }

        private func norm(_ channels: Int, _ backend: any Backend) throws -> BatchNorm {
            let layer = BatchNorm(backend, channels)
            try layer.load(on: backend) { leaf in
                leaf == "num_batches_tracked" ? nil : Formula.state("norm.\(leaf)", [channels], ofNorm: true)
            }
            return layer
        }

        private func activation(_ x: Variable, _ trial: Trial) throws -> Variable {
            x.shape.count == 4 ? try trial.asActivation(x) : x
        }
    }
}
