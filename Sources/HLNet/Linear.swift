import HLCompute

/// A fully connected layer (torch.nn.Linear): y = x Wᵀ + b, with W [out, in].
package final class Linear: Module {
    /// W [out, in]
    package let weight: Parameter
    /// b [out], if there is one.
    package let bias: Parameter?

    /// A layer with torch.nn.Linear's initialisation unless another is given.
    package init(
        _ backend: any Backend, _ inputs: Int, _ outputs: Int, bias hasBias: Bool = true,
        weightInitialiser: Initialiser? = nil, biasInitialiser: Initialiser? = nil
    ) {
        weight = Parameter(backend, [outputs, inputs], weightInitialiser ?? .linear(inputs: inputs))
        bias = hasBias ? Parameter(backend, [outputs], biasInitialiser ?? .linear(inputs: inputs)) : nil
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "weight", .parameter(weight))
        if let bias { try body(prefix + "bias", .parameter(bias)) }
    }

    /// [B, in] → [B, out]. Outside training a row of the result depends on its own row of x alone, to the bit.
    package func callAsFunction(_ x: Variable, _ pass: Pass) -> Variable {
        let backend = pass.backend, weight = weight, bias = bias
        let y =
            pass.isTraining
            ? backend.matmul(x.value, weight.value, transposeA: false, transposeB: true)
            : backend.projectRows(x.value, weight.value)
        if let bias { backend.addRowVector(bias.value, to: y) }
        // A frozen layer needs nothing of its input.
        let input = weight.requiresGradient ? x.value : nil
        return pass.tape.result(y, from: [x, weight, bias].compactMap(\.self)) { [x = x.sink] gradient in
            if let input {
                weight.sink.receive(backend.matmul(gradient, input, transposeA: true, transposeB: false), backend)
            }
            if let bias, bias.requiresGradient { bias.sink.receive(backend.columnSums(gradient), backend) }
            if x.requiresGradient {
                x.receive(backend.matmul(gradient, weight.value, transposeA: false, transposeB: false), backend)
            }
        }
    }
}
