import HLCompute
import HLNet
import HLTensor
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
