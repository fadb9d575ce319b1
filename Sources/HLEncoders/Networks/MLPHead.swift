import HLCompute
import HLNet

/// Linear–(batch norm–)ReLU–Linear, [B, inputs] → [B, outputs]. State is named as in a torch.nn.Sequential of these.
package final class MLPHead: Module {
    /// What decides how such a head looks.
    package struct Shape: Sendable, Equatable {
        package let inputs: Int
        package let hidden: Int
        package let outputs: Int
        /// With a batch norm behind the first layer, as BYOL has it; the second then has no bias.
        package let isNormalised: Bool
    }

    private let hidden: Linear
    private let norm: BatchNorm?
    private let output: Linear

    package init(_ backend: any Backend, _ shape: Shape) {
        hidden = Linear(backend, shape.inputs, shape.hidden)
        norm = shape.isNormalised ? BatchNorm(backend, shape.hidden) : nil
        output = Linear(backend, shape.hidden, shape.outputs, bias: !shape.isNormalised)
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try hidden.forEachState(prefix + "0.", body)
        try norm?.forEachState(prefix + "1.", body)
        try output.forEachState(prefix + (norm == nil ? "2." : "3."), body)
    }

    package func callAsFunction(_ x: Variable, _ pass: Pass) -> Variable {
        let y = hidden(x, pass)
        return output(norm.map { $0(y, relu: true, pass) } ?? pass.relu(y), pass)
    }
}
