import HLCompute
import HLTensor

/// An operation of the seam on tensors of certain shapes, beside a naive reference written from its formula.
///
/// `OperationCheck` runs it.
package struct OperationCase: Sendable, CustomStringConvertible {
    /// What goes in.
    package enum Input: Sendable {
        /// F32, evenly from `low` to `high`. An activation, [B, C, H, W], comes in both layouts: row-major, and in that
        /// in which convolutions give their results.
        case values([Int], from: Double = -0.5, to: Double = 0.5, isActivation: Bool = false)
        case integers([Int32])
        case bytes([Int])

        /// Centred, in every layout.
        static func activation(_ shape: [Int]) -> Input { .values(shape, isActivation: true) }
        /// Centred, row-major.
        static func array(_ shape: [Int]) -> Input { .values(shape) }

        func host(_ name: String) -> HostTensor {
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

        var isActivation: Bool {
            if case .values(_, _, _, let isActivation) = self { isActivation } else { false }
        }
    }

    /// How many results may be off, relative to the greatest magnitude: values and gradients apart.
    package enum Precision: Sendable {
        /// Copies, and sums of few terms that no order of summation changes.
        case exact
        /// Our own arithmetic and the sums of a matrix library, on any backend.
        case sums
        /// Convolutions, which some backends round more coarsely.
        case convolution

        /// - Parameter convolutions: what those may be off.
        package func tolerance(convolutions: Tolerance) -> Tolerance {
            switch self {
            case .exact: Tolerance(values: 0, gradients: 0)
            case .sums: .plain
            case .convolution: convolutions
            }
        }
    }

    /// No two have the same.
    package let name: String
    /// The requirements of `Backend` that it holds.
    package let covers: [String]
    let inputs: [Input]
    package var precision = Precision.sums
    /// What the backend makes of the inputs. Operations in place work on copies.
    let operation: @Sendable (_ backend: any Backend, _ inputs: [Tensor]) -> [Tensor]
    /// The same from the formula.
    let reference: @Sendable (_ inputs: [Values]) -> [Values]
    /// The backend's way back from the gradient of the first result: a gradient for every input, nil where there is
    /// none. It is held against central differences of the reference.
    var backward: (@Sendable (_ backend: any Backend, _ inputs: [Tensor], _ gradient: Tensor) -> [Tensor?])?
    /// Where the operation gives the gradient of `factor` · Σ results by itself.
    var factor: Double?

    package var description: String { name }

    /// Operations that take BF16 activations.
    static let narrowOperations: Set = [
        "convolution", "convolutionInputGradient", "convolutionWeightGradient", "depthwiseConvolution", "batchNorm",
        "batchNormInference", "conditionalNorm", "maxPool", "averagePool", "add", "accumulate", "scale", "relu",
        "modulate", "addUpsampled", "upsampled", "sumSquares", "filter", "mixChannels", "toImage",
    ]
    /// Those whose results are F32 of either type.
    static let widening: Set = ["mixChannels", "toImage", "convolutionWeightGradient", "averagePool"]

    /// Whether it is one of those, with an activation to go in.
    package var takesBF16: Bool {
        !Self.narrowOperations.isDisjoint(with: covers) && inputs.contains(where: \.isActivation)
    }

    /// All of them, family by family.
    package static let families = [
        rowOperations, productOperations, convolutions, depthwiseConvolutions, elementwiseOperations, modulations,
        normalisations, poolingOperations, generatorOperations, shapesOperations, adversarialOperations,
        pixelOperations, losses, optimisers,
    ]

    /// What a backend makes of the inputs, row-major, activations being of a type: the results as `result 0` and so on, and
    /// the gradients of the first one as `gradient 0` and so on.
    package func results(on backend: any Backend, in type: ElementType) throws -> [(what: String, tensor: HostTensor)] {
        let inputs = inputs.enumerated().map { index, input in
            let tensor = backend.tensor(input.host("\(name).\(index)"))
            return input.isActivation ? backend.converted(tensor, to: type) : tensor
        }
        let results = operation(backend, inputs.map { backend.copy($0) })
        var made = results.enumerated().map { (what: "result \($0)", tensor: $1) }
        if let backward, let first = results.first, first.type == .f32 || first.type == .bf16 {
            let cotangent = backend.tensor(Formula.centred("\(name).cotangent", first.shape))
            let gradients = backward(backend, inputs, backend.converted(cotangent, to: first.type))
            for (index, gradient) in gradients.enumerated() {
                if let gradient { made.append((what: "gradient \(index)", tensor: gradient)) }
            }
        }
        return try made.map { ($0.what, try backend.read($0.tensor)) }
    }
}
