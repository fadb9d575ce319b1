import HLCompute
import HLTensor
import TestSupport
import Testing

/// What a backend gets for its primitives alone, beside the plain backend's own kernels.
@Suite struct ComposedOperationsTests {
    private let composed: PrimitiveBackend
    private let plain: CPUBackend

    init() throws {
        composed = try PrimitiveBackend()
        plain = try CPUBackend.plain(threads: 1)
    }

    private func random(_ shape: [Int], seed: Int64, low: Float = -1, high: Float = 1) -> HostTensor {
        var words = RandomKey(seed: 11, purpose: .mixing).sequence(id: seed)
        return HostTensor((0..<shape.reduce(1, *)).map { _ in words.uniform(low, high) }, shape: shape)
    }

    /// Runs an operation on both and compares all that it gives.
    private func compare(
        _ what: String, _ inputs: [HostTensor], tolerance: Double = 1e-5,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ operation: (any Backend, [Tensor]) -> [Tensor]
    ) throws {
        let own = operation(composed, inputs.map { composed.tensor($0) })
        let reference = operation(plain, inputs.map { plain.tensor($0) })
        #expect(own.count == reference.count && !own.isEmpty)
        for (index, (a, b)) in zip(own, reference).enumerated() {
            #expect(a.type == b.type, sourceLocation: sourceLocation)
            let (a, b) = (try composed.read(a), try plain.read(b))
            if a.type == .f32 {
                expectClose(a, b, tolerance, "\(what), result \(index)", sourceLocation: sourceLocation)
            } else {
                let same = a.withUnsafeBytes { a in b.withUnsafeBytes { a.elementsEqual($0) } }
                #expect(same && a.shape == b.shape, "\(what), result \(index)", sourceLocation: sourceLocation)
            }
        }
    }

    @Test func memoryAndRows() throws {
        let x = random([5, 7], seed: 1), y = random([3, 7], seed: 2)
        try compare("copy", [x]) { [$0.copy($1[0])] }
        try compare("concatenate", [x, y]) { [$0.concatenate($1), $0.concatenate([$1[0]])] }
        let bytes = HostTensor(.u8, shape: [2, 3]) { $0.copyBytes(from: [1, 2, 3, 4, 5, 255]) }
        try compare("concatenated bytes", [bytes]) { [$0.concatenate([$1[0], $1[0]])] }
        try compare("projectRows", [x, random([4, 7], seed: 3)]) { [$0.projectRows($1[0], $1[1])] }
        try compare("projectRows of none", [HostTensor([Float](), shape: [0, 7]), random([4, 7], seed: 3)]) {
            [$0.projectRows($1[0], $1[1])]
        }
        try compare("addRowVector", [x, random([7], seed: 4)]) { backend, x in
            let result = backend.copy(x[0])
            backend.addRowVector(x[1], to: result)
            return [result]
        }
        try compare("columnSums", [x]) { [$0.columnSums($1[0])] }
        try compare("normaliseRows", [x, random([5, 7], seed: 5)]) { backend, x in
            let (y, norms) = backend.normaliseRows(x[0])
            return [y, norms, backend.normaliseRowsBackward(x[1], output: y, norms: norms)]
        }
        try compare("a row of zeros", [HostTensor([Float](repeating: 0, count: 7), shape: [1, 7])]) {
            [$0.normaliseRows($1[0]).output]
        }
        try compare("negativeCosine", [x, random([5, 7], seed: 6)]) { backend, x in
            let (losses, gradient) = backend.negativeCosine(x[0], x[1], weight: 0.3)
            return [losses, gradient]
        }
        try compare("eppsPulley", [random([12, 21], seed: 9, low: -4, high: 4)]) { backend, x in
            let (statistics, gradient) = backend.eppsPulley(x[0], groups: 3, limit: 3, knots: 17, weight: 0.5)
            return [statistics, gradient]
        }
        try compare("squaredDistances", [random([3, 3, 5, 5], seed: 7), random([3, 3, 5, 5], seed: 8)]) {
            [$0.squaredDistances($1[0], $1[1])]
        }
    }

    @Test func inPlace() throws {
        for decay: Float in [0, 0.9] {
            try compare("average \(decay)", [random([4, 3], seed: 1), random([4, 3], seed: 2)]) { backend, x in
                let target = backend.copy(x[0])
                backend.average(x[1], into: target, decay: decay)
                backend.accumulate(x[1], into: target)
                return [target]
            }
        }
    }

    @Test(arguments: [[6, 3], [6, 3, 4, 5]], [1, 2]) func batchNorm(_ shape: [Int], _ groups: Int) throws {
        let vector = [shape[1]]
        let inputs = [
            random(shape, seed: 1, low: -1, high: 3), random(vector, seed: 2), random(vector, seed: 3),
            random(shape, seed: 4), random(shape, seed: 5), random(vector, seed: 6), random(vector, seed: 7, low: 0.5),
        ]
        for (isAffine, hasResidual) in [(true, true), (true, false), (false, false)] {
            try compare("batch norm", inputs) { backend, x in
                let running = RunningStatistics(mean: backend.copy(x[5]), variance: backend.copy(x[6]))
                let weight = isAffine ? x[1] : nil, bias = isAffine ? x[2] : nil, residual = hasResidual ? x[3] : nil
                let (y, statistics) = backend.batchNorm(
                    x[0], weight: weight, bias: bias, running: running, epsilon: 1e-5, groups: groups,
                    residual: residual, relu: hasResidual)
                let back = backend.batchNormBackward(
                    backend.copy(x[4]), adding: nil, input: x[0], relu: hasResidual ? .output(y) : nil, weight: weight,
                    statistics: statistics,
                    wantsResidual: hasResidual)
                return [y, back.input, back.weight, back.bias, running.mean, running.variance]
                    + (back.residual.map { [$0] } ?? [])
            }
            try compare("batch norm by fixed statistics", inputs) { backend, x in
                let running = RunningStatistics(mean: x[5], variance: x[6])
                let weight = isAffine ? x[1] : nil, bias = isAffine ? x[2] : nil
                let (y, statistics) = backend.batchNormInference(
                    x[0], weight: weight, bias: bias, running: running, epsilon: 1e-5,
                    residual: hasResidual ? x[3] : nil, relu: hasResidual)
                let back = backend.batchNormBackward(
                    backend.copy(x[4]), adding: nil, input: x[0], relu: hasResidual ? .output(y) : nil, weight: weight,
                    statistics: statistics,
                    wantsResidual: false)
                return [y, back.input, back.weight, back.bias]
            }
        }
    }

    @Test func pooling() throws {
        try compare("average pool", [random([2, 3, 4, 5], seed: 1), random([2, 3], seed: 2)]) {
            [$0.averagePool($1[0]), $0.averagePoolBackward($1[1], inputShape: [2, 3, 4, 5], type: .f32)]
        }
    }

    @Test func upsampling() throws {
        let small = random([2, 3, 4, 4], seed: 1), large = random([2, 3, 8, 8], seed: 2)
        try compare("addUpsampled", [small, large]) { backend, x in
            let sum = backend.copy(x[1])
            backend.addUpsampled(x[0], to: sum)
            return [sum, backend.sumSquares(x[1])]
        }
        // Not symmetric, so that a filter turned round would show.
        let filter = UpsamplingFilter(kernel: (0..<16).map { Float($0 * $0 % 7) / 10 })
        try compare("filterUpsampled", [small, large]) {
            [$0.filterUpsampled($1[0], filter), $0.filterUpsampledBackward($1[1], filter)]
        }
        for (offset, side) in [(1, 8), (2, 9), (0, 6)] {
            try compare("filter", [large]) {
                [$0.filter($1[0], taps: [0.1, 0.4, -0.2, 0.7], offset: offset, outputSide: side)]
            }
        }
    }

    @Test func channels() throws {
        let x = random([2, 5, 3, 4], seed: 1)
        try compare("channels", [x, random([2, 2, 3, 4], seed: 2)]) {
            [$0.channels($1[0], 1..<3), $0.placeChannels($1[1], in: [2, 5, 3, 4], at: 3)]
        }
        try compare("mixChannels", [x, random([2, 3, 5], seed: 3), random([2, 3, 3, 4], seed: 4)]) { backend, x in
            let back = backend.mixChannelsBackward(x[2], input: x[0], weights: x[1])
            return [backend.mixChannels(x[0], weights: x[1]), back.input, back.weights]
        }
    }

    @Test func attention() throws {
        let inputs = [[2, 3, 4, 4], [2, 3, 2, 2], [2, 5, 2, 2], [2, 5, 4, 4]].enumerated().map {
            random($1, seed: Int64($0))
        }
        try compare("attention", inputs) { backend, x in
            let back = backend.attentionBackward(x[3], query: x[0], key: x[1], value: x[2])
            return [backend.attention(query: x[0], key: x[1], value: x[2]), back.query, back.key, back.value]
        }
    }

    @Test func pixels() throws {
        try compare("roundPixels", [random([2, 3, 5, 5], seed: 1, low: -0.2, high: 1.2)]) { [$0.roundPixels($1[0])] }
        var parameters = AugmentationParameters()
        (parameters.top, parameters.left, parameters.height, parameters.width) = (1, 2, 6, 6)
        parameters.order = (0, 1, 2, 3)
        (parameters.brightness, parameters.contrast, parameters.saturation) = (1, 1, 1)
        let crop = parameters
        (parameters.colour, parameters.flip, parameters.brightness) = (true, true, 0.7)
        let coloured = parameters
        let mean: [Float] = [0.4, 0.5, 0.6], deviation: [Float] = [0.2, 0.3, 0.4]
        try compare("augment", [random([2, 3, 9, 10], seed: 2, low: 0), random([2, 3, 6, 6], seed: 3)]) { backend, x in
            let bytes = backend.roundPixels(x[0])
            return [
                backend.augment(x[0], [crop, coloured], size: 5, mean: mean, deviation: deviation),
                backend.augment(bytes, [coloured, crop], size: 6, mean: mean, deviation: deviation),
                backend.augmentBackward(x[1], [crop, crop], imageShape: [2, 3, 9, 10], deviation: deviation),
            ]
        }
        let sequences = [3, 9].map { RandomKey(seed: 1, purpose: .noiseImage).sequence(id: $0) }
        try compare("normals", [random([1, 1], seed: 1)]) { backend, _ in [backend.normals(sequences, count: 33)] }
    }

    @Test func optimisers() throws {
        let inputs = [
            random([4, 3], seed: 1), random([4, 3], seed: 2), random([4, 3], seed: 3), random([4, 3], seed: 4, low: 0),
        ]
        try compare("sgd and lars", inputs) { backend, x in
            func update(_ index: Int) -> SGDUpdate {
                SGDUpdate(
                    weight: backend.copy(x[0]), gradient: x[1], velocity: backend.copy(x[2]), decay: 0.1,
                    isAdapted: index == 0)
            }
            let updates = [update(0), update(1)], adapted = [update(0), update(1)]
            backend.sgd(updates, rate: 0.2, momentum: 0.9)
            backend.lars(adapted, rate: 0.2, momentum: 0.9, trust: 0.02)
            return (updates + adapted).flatMap { [$0.weight, $0.velocity] }
        }
        try compare("adam", inputs) { backend, x in
            let (weight, first, second) = (backend.copy(x[0]), backend.copy(x[2]), backend.copy(x[3]))
            for step in 1...3 {
                let update = AdamUpdate(weight: weight, gradient: x[1], first: first, second: second, decay: 0.5)
                backend.adam([update], step: step, rate: 0.1, beta1: 0.5, beta2: 0.9, epsilon: 1e-8)
            }
            return [weight, first, second]
        }
    }
}
