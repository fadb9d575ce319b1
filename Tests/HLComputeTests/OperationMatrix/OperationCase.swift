import HLCompute
import HLTensor
import TestSupport
import Testing

/// An operation of the seam on tensors of certain shapes, beside a naive reference written from its formula.
struct OperationCase: Sendable, CustomTestStringConvertible {
    /// What goes in.
    enum Input: Sendable {
        /// F32, evenly from `low` to `high`. An activation, [B, C, H, W], comes in both layouts: row-major, and in that
        /// in which convolutions give their results.
        case values([Int], from: Double = -0.5, to: Double = 0.5, isActivation: Bool = false)
        case integers([Int32])
        case bytes([Int])

        /// Centred, in every layout.
        static func activation(_ shape: [Int]) -> Input { .values(shape, isActivation: true) }
        /// Centred, row-major.
        static func array(_ shape: [Int]) -> Input { .values(shape) }

        fileprivate func host(_ name: String) -> HostTensor {
            switch self {
            case .values(let shape, let low, let high, _): return Formula.array(name, shape) { low + (high - low) * $0 }
            case .integers(let values):
                return HostTensor(.i32, shape: [values.count]) { target in
                    values.withUnsafeBytes { target.copyMemory(from: $0) }
                }
            case .bytes(let shape):
                let values = Formula.uniform(name, shape.reduce(1, *)).map { UInt8($0 * 256) }
                return HostTensor(.u8, shape: shape) { $0.copyBytes(from: values) }
            }
        }

        fileprivate var isActivation: Bool {
            if case .values(_, _, _, let isActivation) = self { isActivation } else { false }
        }
    }

    /// How many results may be off, relative to the greatest magnitude: values and gradients apart.
    enum Precision: Sendable {
        /// Copies, and sums of few terms that no order of summation changes.
        case exact
        /// Our own arithmetic and the sums of a matrix library, on any backend.
        case sums
        /// Convolutions, which some backends round more coarsely.
        case convolution

        func tolerance(_ choice: TestedBackend) -> Tolerance {
            switch self {
            case .exact: Tolerance(values: 0, gradients: 0)
            case .sums: Tolerance(values: 2e-6, gradients: 5e-6)
            case .convolution: .of(choice)
            }
        }
    }

    let name: String
    /// The requirements of `Backend` that it holds.
    let covers: [String]
    let inputs: [Input]
    var precision = Precision.sums
    /// What the backend makes of the inputs. Operations in place work on copies.
    let operation: @Sendable (_ backend: any Backend, _ inputs: [Tensor]) -> [Tensor]
    /// The same from the formula.
    let reference: @Sendable (_ inputs: [Values]) -> [Values]
    /// The backend's way back from the gradient of the first result: a gradient for every input, nil where there is
    /// none. It is held against central differences of the reference.
    var backward: (@Sendable (_ backend: any Backend, _ inputs: [Tensor], _ gradient: Tensor) -> [Tensor?])?
    /// Where the operation gives the gradient of `factor` · Σ results by itself.
    var factor: Double?

    var testDescription: String { name }

    /// Runs it on every backend in every layout.
    func check() throws {
        let hosts = inputs.enumerated().map { $1.host("\(name).\($0)") }
        let values = hosts.map { Values($0) }
        let expected = reference(values)
        let cotangent =
            factor.map { factor in
                HostTensor([Float](repeating: Float(factor), count: expected[0].count), shape: expected[0].shape)
            }
            ?? Formula.centred("\(name).cotangent", expected[0].shape)
        var gradients: [Int: Values] = [:]
        for choice in allTestedBackends {
            let backend = try choice.make(threads: 2), tolerance = precision.tolerance(choice)
            for isBlocked in inputs.contains(where: \.isActivation) ? [false, true] : [false] {
                let place = "\(name) on \(choice)\(isBlocked ? ", behind a convolution" : "")"
                func tensors() -> [Tensor] {
                    zip(inputs, hosts).map { input, host in
                        let tensor = backend.tensor(host)
                        return isBlocked && input.isActivation ? throughConvolution(tensor, backend) : tensor
                    }
                }
                let results = try operation(backend, tensors()).map { Values(try backend.read($0)) }
                #expect(results.count == expected.count, "\(place)")
                for (index, (result, expected)) in zip(results, expected).enumerated() {
                    #expect(result.shape == expected.shape, "\(place), result \(index)")
                    #expect(result.deviation(from: expected) <= tolerance.values, "\(place), result \(index)")
                }
                guard let backward else { continue }
                let made = backward(backend, tensors(), backend.tensor(cotangent))
                #expect(made.count == inputs.count, "\(place)")
                for (index, tensor) in made.enumerated() {
                    guard let tensor else { continue }
                    let found = Values(try backend.read(tensor))
                    let differences = gradients[index] ?? centralDifferences(values, index, Values(cotangent))
                    gradients[index] = differences
                    #expect(found.shape == differences.shape, "\(place), gradient \(index)")
                    #expect(found.deviation(from: differences) <= tolerance.gradients, "\(place), gradient \(index)")
                }
            }
        }
    }

    /// Operations that take BF16 activations.
    static let narrowOperations: Set = [
        "convolution", "convolutionInputGradient", "convolutionWeightGradient", "depthwiseConvolution", "batchNorm",
        "batchNormInference", "conditionalNorm", "maxPool", "averagePool", "add", "accumulate", "scale", "relu",
        "modulate", "addUpsampled", "upsampled", "sumSquares", "filter", "mixChannels", "toImage",
    ]
    /// Those whose results are F32 of either type.
    static let widening: Set = ["mixChannels", "toImage", "convolutionWeightGradient", "averagePool"]

    /// Whether it is one of those, with an activation to go in.
    var takesBF16: Bool { !Self.narrowOperations.isDisjoint(with: covers) && inputs.contains(where: \.isActivation) }

    /// Runs it on BF16 activations beside the same backend's F32 operation on the same numbers: what comes out, values
    /// and gradients, is at most two roundings away from it, and BF16 if it is an activation.
    func checkBF16() throws {
        func rounded(_ host: HostTensor, _ backend: any Backend) throws -> HostTensor {
            try backend.read(backend.converted(backend.tensor(host), to: .bf16))
        }
        for choice in allTestedBackends {
            let backend = try choice.make(threads: 2)
            // Kernels are rounded before a convolution, too.
            let hosts = try inputs.enumerated().map { index, input in
                let host = input.host("\(name).\(index)")
                return host.type == .f32 && host.shape.count == 4 ? try rounded(host, backend) : host
            }
            func tensors(_ type: ElementType) -> [Tensor] {
                zip(inputs, hosts).map { input, host in
                    let tensor = backend.tensor(host)
                    return input.isActivation
                        ? backend.converted(throughConvolution(tensor, backend), to: type) : tensor
                }
            }
            func compare(_ narrow: [Tensor?], _ wide: [Tensor?], _ what: String) throws {
                #expect(narrow.count == wide.count)
                for (index, (narrow, wide)) in zip(narrow, wide).enumerated() {
                    guard let narrow, let wide else { continue }
                    let place = "\(name) on \(choice), \(what) \(index)"
                    let isActivation =
                        what == "result" ? Self.widening.isDisjoint(with: covers) : inputs[index].isActivation
                    if wide.type == .f32 && wide.shape.count == 4 && isActivation && !name.contains("changes") {
                        #expect(narrow.type == .bf16, "\(place)")
                    }
                    let found = Values(try backend.read(narrow)), expected = Values(try backend.read(wide))
                    #expect(found.shape == expected.shape, "\(place)")
                    #expect(found.deviation(from: expected) <= 0x1p-8, "\(place)")
                }
            }
            let wide = operation(backend, tensors(.f32)), narrow = operation(backend, tensors(.bf16))
            try compare(narrow, wide, "result")
            guard let backward else { continue }
            let cotangent = try rounded(Formula.centred("\(name).cotangent", wide[0].shape), backend)
            func gradient(_ type: ElementType) -> Tensor { backend.converted(backend.tensor(cotangent), to: type) }
            try compare(
                backward(backend, tensors(.bf16), gradient(narrow[0].type)),
                backward(backend, tensors(.f32), gradient(.f32)), "gradient")
        }
    }

    /// Runs it on an emulated card forwards and in reverse, from the same numbers: the bits must be the same.
    func checkOrders(_ type: ElementType) throws {
        var runs: [[HostTensor]] = []
        for isBackwards in [false, true] {
            let backend = CUDABackend(on: EmulatedDevice(isBackwards: isBackwards), threads: 1)
            let inputs = inputs.enumerated().map { index, input in
                let tensor = backend.tensor(input.host("\(name).\(index)"))
                return input.isActivation ? backend.converted(tensor, to: type) : tensor
            }
            var results = operation(backend, inputs.map { backend.copy($0) })
            if let backward, let shape = results.first?.shape, results[0].type == .f32 || results[0].type == .bf16 {
                let cotangent = backend.tensor(Formula.centred("\(name).cotangent", shape))
                results += backward(backend, inputs, backend.converted(cotangent, to: results[0].type)).compactMap { $0 }
            }
            runs.append(try results.map { try backend.read($0) })
        }
        #expect(runs[0].count == runs[1].count && !runs[0].isEmpty)
        for (index, (one, other)) in zip(runs[0], runs[1]).enumerated() {
            let same = one.withUnsafeBytes { one in other.withUnsafeBytes { one.elementsEqual($0) } }
            #expect(same && one.shape == other.shape, "\(name), \(type), result \(index) depends on the order of threads")
        }
    }

    /// The gradient of Σ cotangent · first result with regard to one input, value by value.
    private func centralDifferences(_ values: [Values], _ index: Int, _ cotangent: Values) -> Values {
        let step = 1e-6
        var moved = values, gradient = values[index]
        for i in gradient.data.indices {
            func objective(_ offset: Double) -> Double {
                moved[index].data[i] = values[index].data[i] + offset
                return reference(moved)[0].dot(cotangent)
            }
            gradient.data[i] = (objective(step) - objective(-step)) / (2 * step)
            moved[index].data[i] = values[index].data[i]
        }
        return gradient
    }

    /// The same values in the layout of a convolution's results.
    private func throughConvolution(_ x: Tensor, _ backend: any Backend) -> Tensor {
        let channels = x.shape[1]
        let identity = (0..<channels * channels).map { Float($0 / channels == $0 % channels ? 1 : 0) }
        let result = backend.convolution(
            x, weight: backend.tensor(HostTensor(identity, shape: [channels, channels, 1, 1])), window: Window(size: 1))
        // oneDNN's results are in blocks of 8 or 16 wherever they fill whole ones.
        let isPlain = (result.storage as? CPUStorage)?.layout == CPUStorage.Layout.plain
        if backend.summary.contains("oneDNN") && channels % 16 == 0 {
            #expect(!isPlain, "\(channels) channels are not in blocks")
        }
        return result
    }
}
