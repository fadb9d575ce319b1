import HLTensor

/// A graph of ONNX operations under construction: nodes in the order in which they run, values known by name
/// (https://onnx.ai/onnx/repo-docs/IR.html).
package struct ONNXGraph {
    package enum Attribute {
        case integer(Int)
        case float(Float)
        case integers([Int])
    }

    /// A value of the graph's border. Sides that are texts may have any length.
    package struct Value {
        package enum Side {
            case length(Int)
            case named(String)
        }

        let name: String
        let type: ElementType
        let shape: [Side]

        package init(_ name: String, _ type: ElementType, _ shape: [Side]) {
            self.name = name
            self.type = type
            self.shape = shape
        }
    }

    struct Node {
        let operation: String
        let inputs: [String]
        let output: String
        let attributes: [(name: String, value: Attribute)]
    }

    package let name: String
    let inputs: [Value]
    private(set) var outputs: [Value] = []
    private(set) var nodes: [Node] = []
    private(set) var weights: [(name: String, tensor: HostTensor)] = []

    package init(_ name: String, inputs: [Value]) {
        self.name = name
        self.inputs = inputs
    }

    /// Appends an operation of the standard set.
    /// - Parameter inputs: names of values that are there by the time; empty for those that are left out.
    /// - Returns: the name of its value.
    package mutating func node(
        _ operation: String, _ inputs: [String], as output: String, _ attributes: [(String, Attribute)] = []
    ) -> String {
        nodes.append(Node(operation: operation, inputs: inputs, output: output, attributes: attributes))
        return output
    }

    /// A value that is part of the file: F32 or I64.
    /// - Returns: its name.
    @discardableResult
    package mutating func weight(_ name: String, _ tensor: HostTensor) -> String {
        precondition([.f32, .i64].contains(tensor.type))
        weights.append((name, tensor))
        return name
    }

    /// Whether the graph has a weight of this name.
    package func hasWeight(_ name: String) -> Bool { weights.contains { $0.name == name } }

    /// Says that a value is a result.
    package mutating func result(_ value: Value) { outputs.append(value) }

    /// Names of values that nodes take and that neither nodes nor the graph's inputs nor its weights give.
    package var missing: Set<String> {
        let known = Set(inputs.map(\.name) + nodes.map(\.output) + weights.map(\.name))
        return Set(nodes.flatMap(\.inputs)).subtracting(known).subtracting([""])
    }
}
