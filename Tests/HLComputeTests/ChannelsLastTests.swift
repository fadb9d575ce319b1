import HLCompute
import HLTensor
import OperationCases
import TestSupport
import Testing

extension ComputeTests {
    /// Activations channels last, as AMX's kernels want them, give to the bit what they give in blocks of 16: whole pieces of
    /// channels and a rest, odd sides, on any processor and any number of threads.
    struct ChannelsLastTests {
        struct Case: Sendable, CustomStringConvertible {
            let channels: Int
            let type: ElementType
            var description: String { "\(channels) channels of \(type.rawValue)" }
        }

        static let cases = [3, 16, 24, 32, 80, 128].flatMap { channels in
            [ElementType.f32, .bf16].map { Case(channels: channels, type: $0) }
        }

        /// Enough for several parts of most.
        private static let side = 7, samples = 24

        /// Runs an operation on activations in blocks and on the same channels last, on one thread and on several, and compares
        /// what it makes. `body` takes an activation by name and shape.
        private func compare(
            _ test: Case, _ what: String, _ body: (CPUBackend, (String, [Int]) -> Tensor) throws -> [Tensor]
        ) throws {
            var expected: [(values: HostTensor, type: ElementType)] = []
            for (threads, layout) in [(3, .blocked(16)), (3, .channelsLast), (1, .channelsLast), (7, .blocked(16))]
                as [(Int, CPUStorage.Layout)]
            {
                let backend = try CPUBackend.plain(threads: threads)
                let found = try body(backend) { name, shape in
                    let plain = backend.converted(backend.tensor(Formula.centred(name, shape)), to: test.type)
                    return backend.laidOut(plain, as: layout)
                }.map { (values: try backend.read($0), type: $0.type) }
                if expected.isEmpty { expected = found }
                #expect(found.count == expected.count && !found.isEmpty)
                for (index, (one, other)) in zip(expected, found).enumerated() {
                    let same = one.values.withUnsafeBytes { one in
                        other.values.withUnsafeBytes { one.elementsEqual($0) }
                    }
                    #expect(
                        same && one.values.shape == other.values.shape && one.type == other.type,
                        "\(what), result \(index), \(threads) threads")
                }
            }
        }

        private func shape(_ test: Case, side: Int = side) -> [Int] { [Self.samples, test.channels, side, side] }

        private func vector(_ backend: CPUBackend, _ name: String, _ shape: [Int]) -> Tensor {
            backend.tensor(Formula.centred(name, shape))
        }

        private func running(_ backend: CPUBackend, _ channels: Int) -> RunningStatistics {
            RunningStatistics(
                mean: backend.constant(0, shape: [channels]), variance: backend.constant(1, shape: [channels]))
        }

        @Test(arguments: cases) func thereAndBack(_ test: Case) throws {
            try compare(test, "copies, rows and sums") { backend, activation in
                let x = activation("x", shape(test)), y = activation("y", shape(test))
                return [
                    x, backend.laidOut(x, as: .plain), backend.copy(x), backend.laidOut(x, as: .blocked(8)),
                    backend.converted(x, to: .f32), backend.converted(x, to: .bf16), backend.rows(x, 1..<3),
                    backend.concatenate([x, y]), backend.add(x, y), backend.add(x, backend.laidOut(y, as: .plain)),
                    backend.scale(x, by: 0.3), backend.relu(x), backend.reluBackward(y, output: x),
                ]
            }
        }

        @Test(arguments: cases) func batchNorm(_ test: Case) throws {
            let channels = test.channels
            for (groups, hasResidual, relu) in [(1, true, true), (2, false, true), (4, true, false), (2, false, false)]
            {
                try compare(test, "batch norm of \(groups) groups") { backend, activation in
                    let x = activation("x", shape(test)), statistics = running(backend, channels)
                    let (weight, bias) = (vector(backend, "w", [channels]), vector(backend, "b", [channels]))
                    let residual = hasResidual ? activation("r", shape(test)) : nil
                    let made = backend.batchNorm(
                        x, weight: weight, bias: bias, running: statistics, epsilon: 1e-5, groups: groups,
                        residual: residual, relu: relu, over: nil)
                    let fixed = backend.batchNormInference(
                        x, weight: weight, bias: bias, running: statistics, epsilon: 1e-5, residual: residual,
                        relu: relu)
                    var results = [made.output, fixed.output, statistics.mean, statistics.variance]
                    let masks: [ReLUMask?] =
                        !relu ? [nil] : [.output(made.output)] + (hasResidual ? [] : [.norm(made.output, bias: bias)])
                    for (mask, addend) in masks.flatMap({ mask in [nil, "a"].map { (mask, $0) } }) {
                        let back = backend.batchNormBackward(
                            activation("g", shape(test)), adding: addend.map { activation($0, shape(test)) }, input: x,
                            relu: mask, weight: weight, statistics: made.statistics, wantsResidual: hasResidual)
                        results += [back.input, back.weight, back.bias] + (back.residual.map { [$0] } ?? [])
                    }
                    return results
                }
            }
        }

        @Test(arguments: cases) func pooling(_ test: Case) throws {
            let channels = test.channels
            for window in [Window(size: 3, stride: 2, padding: 1), Window(size: 2, stride: 2), Window(size: 1)] {
                try compare(test, "pooling") { backend, activation in
                    let x = activation("x", shape(test)), side = window.output(Self.side)
                    let (y, chosen) = backend.maxPool(x, window: window), weight = vector(backend, "w", [channels])
                    let made = backend.batchNormMaxPool(
                        x, weight: weight, bias: nil, running: nil, epsilon: 1e-5, groups: 2, window: window, over: nil)
                    let back = backend.batchNormMaxPoolBackward(
                        activation("g", shape(test, side: side)), output: made.output, chosen: made.chosen, input: x,
                        weight: weight, statistics: made.statistics, window: window)
                    return [
                        y, made.output, back.input, back.weight, back.bias,
                        backend.maxPoolBackward(
                            activation("g", shape(test, side: side)), chosen: chosen, inputShape: x.shape,
                            window: window),
                        backend.averagePool(x),
                    ]
                }
            }
        }

        /// Whole blocks alone have coefficients and phases.
        @Test(arguments: cases.filter { $0.channels % 16 == 0 }) func modulation(_ test: Case) throws {
            let channels = test.channels, activation = Activation(slope: 0.2, gain: 1.5, clamp: 0.45)
            for (arrangement, side, factor) in [
                (PhaseArrangement.same, 7, 1), (.phases, 3, 4), (.overlappingPhases, 4, 4),
            ] {
                try compare(test, "modulation, \(arrangement)") { backend, make in
                    let shape = [Self.samples, factor * channels, side, side]
                    let coefficients = ["s", "t", "u"].map { vector(backend, $0, [Self.samples, channels]) }
                    let sides = factor == 1 ? side : arrangement == .phases ? 2 * side : 2 * (side - 1)
                    let modulation = Modulation(
                        scale: coefficients[0], shift: coefficients[1], gain: coefficients[2],
                        noise: vector(backend, "noise", [1, sides, sides]), activation: activation,
                        arrangement: arrangement)
                    let x = make("x", shape), y = backend.modulate(x, modulation)
                    let back = backend.modulateBackward(make("g", y.shape), input: x, modulation)
                    return [y, back.input, back.scale, back.shift, back.gain]
                }
            }
        }

        @Test(arguments: cases) func conditionalNorm(_ test: Case) throws {
            let channels = test.channels
            try compare(test, "conditional norm") { backend, activation in
                let x = activation("x", shape(test)), statistics = running(backend, channels)
                let gain = vector(backend, "s", [Self.samples, channels])
                let shift = vector(backend, "t", [Self.samples, channels])
                let made = backend.conditionalNorm(
                    x, gain: gain, shift: shift, running: statistics, epsilon: 1e-5, over: nil)
                let back = backend.conditionalNormBackward(
                    activation("g", shape(test)), input: x, gain: gain, shift: shift, statistics: made.statistics)
                return [made.output, statistics.mean, statistics.variance, back.input, back.gain, back.shift]
            }
        }

        @Test(arguments: cases) func generators(_ test: Case) throws {
            let channels = test.channels
            try compare(test, "what changes the side, and channels mixed") { backend, activation in
                let small = activation("x", shape(test)), large = activation("y", shape(test, side: 2 * Self.side))
                let sum = backend.copy(large)
                backend.addUpsampled(small, to: sum)
                let filtered = backend.filter(
                    small, taps: [0.1, 0.4, 0.3, 0.2], offset: 1, outputSide: Self.side)
                let image = backend.toImage(small, .tanh)
                var results = [sum, backend.upsampled(small), backend.sumSquares(large), filtered, image]
                // Weights of padded channels there are none.
                if channels % 16 == 0 {
                    let weights = vector(backend, "m", [Self.samples, 3, channels])
                    let mixed = backend.mixChannels(small, weights: weights)
                    let back = backend.mixChannelsBackward(
                        vector(backend, "g", mixed.shape), input: small, weights: weights)
                    results += [mixed, back.input, back.weights]
                }
                return results
            }
        }
    }
}
