import HLCompute
import HLNet
import HLTensor
import TestSupport
import Testing

/// Values from −1 to 1 that depend on nothing but their shape and seed.
private func random(_ shape: [Int], seed: Int64) -> HostTensor {
    var sequence = RandomKey(seed: 7, purpose: .initialisation).sequence(id: seed)
    return HostTensor((0..<shape.reduce(1, *)).map { _ in sequence.uniform(-1, 1) }, shape: shape)
}

private func product(_ a: HostTensor, _ b: HostTensor) -> Double {
    zip(a.floats, b.floats).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

/// What the tape records of every operation: its way back against its way forward, for a linear operation
/// ⟨A x, y⟩ = ⟨x, Aᵀ y⟩, for the others the slope along a direction. Backends, shapes and layouts are held by HLComputeTests'
/// matrix.
@Suite struct OperationTests {
    private func check(
        _ inputs: [HostTensor], isLinear: Bool = false, _ body: (Pass, [Variable]) -> Variable,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let backend = try BackendChoice.plain.make(threads: 2)
        func forward(_ values: [HostTensor]) throws -> HostTensor {
            let pass = Pass(Tape(backend, recording: false), training: false)
            return try backend.read(body(pass, values.map { Variable(backend.tensor($0)) }).value)
        }
        let tape = Tape(backend)
        let variables = inputs.map { Variable(backend.tensor($0), requiresGradient: true) }
        let y = body(Pass(tape, training: false), variables)
        let cotangent = random(y.shape, seed: 100)
        tape.backward(from: y, gradient: backend.tensor(cotangent))
        for (index, variable) in variables.enumerated() {
            let gradient = try backend.read(try #require(variable.takeGradient()))
            #expect(gradient.shape == inputs[index].shape, sourceLocation: sourceLocation)
            let direction = random(inputs[index].shape, seed: 200 + Int64(index))
            let found = product(gradient, direction)
            if isLinear {
                let expected = product(try forward([direction]), cotangent)
                #expect(abs(found - expected) < 1e-4 * max(1, abs(expected)), sourceLocation: sourceLocation)
            } else {
                let step: Float = 1e-3
                func moved(_ sign: Float) throws -> Double {
                    var values = inputs
                    let sums = zip(inputs[index].floats, direction.floats).map { $0 + sign * step * $1 }
                    values[index] = HostTensor(sums, shape: inputs[index].shape)
                    return product(try forward(values), cotangent)
                }
                let expected = (try moved(1) - moved(-1)) / Double(2 * step)
                #expect(abs(found - expected) < 5e-3 * max(1, abs(expected)), sourceLocation: sourceLocation)
            }
        }
    }

    /// Activations whose values no way back needs are free at once: a third of a generator's memory.
    @Test func aWayBackKeepsNoValueThatItDoesNotNeed() throws {
        let backend = try BackendChoice.plain.make(threads: 1)
        let tape = Tape(backend)
        let pass = Pass(tape, training: true)
        let x = Variable(backend.tensor(random([2, 3], seed: 1)), requiresGradient: true)
        weak var unneeded: (any TensorStorage)?
        weak var needed: (any TensorStorage)?
        func chain() -> Variable {
            let scaled = pass.scale(x, by: 2)
            unneeded = scaled.value.storage
            let squared = pass.scale(scaled, by: 3)
            needed = squared.value.storage
            return pass.multiply(squared, squared)
        }
        let y = chain()
        #expect(unneeded == nil && needed != nil)
        tape.backward(from: y, gradient: backend.constant(1, shape: y.shape))
        #expect(needed == nil)
        #expect(try backend.read(try #require(x.takeGradient())).shape == [2, 3])
    }

    /// A network that has diverged must not look sound: torch's relu keeps NaN too.
    @Test(arguments: testedBackends) func reluAndBatchNormKeepNaN(_ choice: TestedBackend) throws {
        let backend = try choice.make(threads: 1)
        #expect(try backend.read(backend.relu(backend.tensor(HostTensor([.nan, -1, 2], shape: [3])))).floats[0].isNaN)
        let x = backend.tensor(HostTensor([.nan] + [Float](repeating: 1, count: 127), shape: [2, 16, 2, 2]))
        let running = RunningStatistics(
            mean: backend.constant(0, shape: [16]), variance: backend.constant(1, shape: [16]))
        let y = backend.batchNormInference(
            x, weight: nil, bias: nil, running: running, epsilon: 0, residual: nil, relu: true
        ).output
        let values = try backend.read(y).floats
        #expect(values[0].isNaN && values[1...].allSatisfy { $0 == 1 })
    }

    @Test func modulation() throws {
        let channels = 6
        let noise = random([1, 4, 4], seed: 1)
        let coefficients = (2..<5).map { random([2, channels], seed: Int64($0)) }
        // Clamping is checked where it has a slope of its own; kinks are rare enough among random values.
        let activation = Activation(slope: 0.2, gain: 1.5, clamp: 1.2)
        for (arrangement, shape) in [
            (PhaseArrangement.same, [2, channels, 4, 4]), (.phases, [2, 4 * channels, 2, 2]),
            (.overlappingPhases, [2, 4 * channels, 3, 3]),
        ] {
            try check([random(shape, seed: 5)] + coefficients) { pass, inputs in
                // Through a convolution, which brings the activations into the backend's layout.
                let weight = pass.backend.tensor(identity(shape[1]))
                let x = pass.convolution(inputs[0], weight, Window(size: 1))
                return pass.modulate(
                    x, scale: inputs[1], shift: inputs[2], gain: inputs[3], noise: pass.backend.tensor(noise),
                    activation: activation, arrangement: arrangement)
            }
        }
        try check([random([3, channels], seed: 6)] + (0..<3).map { random([3, channels], seed: 7 + $0) }) {
            $0.modulate($1[0], scale: $1[1], shift: $1[2], gain: $1[3], activation: activation)
        }
    }

    /// [C, C, 1, 1]
    private func identity(_ channels: Int) -> HostTensor {
        HostTensor(
            (0..<channels * channels).map { $0 / channels == $0 % channels ? Float(1) : 0 },
            shape: [channels, channels, 1, 1])
    }

    @Test func upsampling() throws {
        let channels = 3
        let x = random([2, channels, 3, 3], seed: 1)
        try check([x], isLinear: true) { pass, inputs in
            pass.addingUpsampled(inputs[0], to: Variable(pass.backend.constant(0, shape: [2, channels, 6, 6])))
        }
        let filter = UpsamplingFilter(kernel: (0..<16).map { Float($0 * $0) / 100 })
        try check([x], isLinear: true) { $0.filterUpsampled($1[0], filter) }
        try check([random([2, channels, 7, 7], seed: 2)], isLinear: true) {
            $0.filter($1[0], taps: [0.1, 0.4, 0.3, 0.2], offset: 1, outputSide: 6)
        }
        let weight = random([channels, 32, 3, 3], seed: 3)
        try check([x], isLinear: true) {
            $0.transposedConvolution($1[0], $0.backend.tensor(weight), Window(size: 3, stride: 2))
        }
    }

    @Test func mixingChannels() throws {
        let channels = 5
        let x = random([2, channels, 9, 9], seed: 1)
        try check([x, random([2, 3, channels], seed: 2)]) { pass, inputs in
            let weight = pass.backend.tensor(identity(channels))
            return pass.mixChannels(pass.convolution(inputs[0], weight, Window(size: 1)), weights: inputs[1])
        }
    }

    @Test func attention() throws {
        // More queries than fit one tile.
        try check([random([2, 4, 20, 20], seed: 1), random([2, 4, 5, 5], seed: 2), random([2, 6, 5, 5], seed: 3)]) {
            $0.attention(query: $1[0], key: $1[1], value: $1[2])
        }
    }

    @Test func imagesAndColumns() throws {
        try check([random([2, 16, 4, 4], seed: 1)]) { $0.toImage($1[0], .tanh) }
        try check([random([2, 16, 4, 4], seed: 1)]) { $0.toImage($0.scale($1[0], by: 1.3), .clamp) }
        try check([random([2, 8], seed: 2)], isLinear: true) { $0.columns($1[0], 2..<7) }
        try check([random([2, 8], seed: 2)], isLinear: true) { $0.tiled($1[0], 3) }
        try check([random([2, 5, 2, 2], seed: 3)], isLinear: true) { $0.channels($1[0], 1..<3) }
        try check([random([2, 5], seed: 4), random([2, 5], seed: 5)]) { pass, inputs in
            pass.inverseRoot(
                pass.add(pass.multiply(inputs[0], inputs[0]), pass.multiply(inputs[1], inputs[1])), epsilon: 0.5)
        }
    }

    @Test func resampling() throws {
        for taps in [
            ResampleTaps.centreCrop(of: 12, to: 7), .bilinear(from: 12, to: 5, antialias: true),
            .bilinear(from: 12, to: 5, antialias: false), .bilinear(from: 12, to: 20, antialias: true),
            ResampleTaps.centreCrop(of: 12, to: 9).followed(by: .bilinear(from: 9, to: 3, antialias: true)),
        ] {
            try check([random([2, 3, 12, 12], seed: 1)], isLinear: true) { $0.resample($1[0], taps) }
        }
    }
}
