import HLTensor

/// A file of one ONNX graph (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; field numbers are those there).
package enum ONNXFile {
    /// The operators' version, which runtimes of 2022 and later have (ONNX 1.12).
    package static let operators = 17
    private static let format = 8

    /// Writes a graph, all or nothing.
    /// - Parameters:
    ///   - description: for people.
    ///   - metadata: for programs, by key.
    /// - Throws: `Failure`: incompatible beyond the 2 GiB of a message, cannotCreate, inputOutput.
    package static func write(
        _ graph: ONNXGraph, producer: (name: String, version: String), description: String, metadata: [String: String],
        to path: String
    ) throws {
        let pieces = model(graph, producer, description, metadata).pieces
        guard pieces.count <= Int(Int32.max) else {
            throw Failure(
                .incompatible, "the weights take more than the 2 GiB of an ONNX file", "name a .safetensors file")
        }
        let file = try OutputFile(path: path)
        try pieces.forEachPiece { try file.write($0) }
        try file.commit()
    }

    private static func model(
        _ graph: ONNXGraph, _ producer: (name: String, version: String), _ description: String,
        _ metadata: [String: String]
    ) -> ProtobufMessage {
        var model = ProtobufMessage()
        model.add(1, format)
        model.add(2, producer.name)
        model.add(3, producer.version)
        model.add(6, description)
        model.add(7, message(graph))
        var set = ProtobufMessage()
        set.add(1, "")
        set.add(2, operators)
        model.add(8, set)
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            var entry = ProtobufMessage()
            entry.add(1, key)
            entry.add(2, value)
            model.add(14, entry)
        }
        return model
    }

    private static func message(_ graph: ONNXGraph) -> ProtobufMessage {
        var result = ProtobufMessage()
        for node in graph.nodes { result.add(1, message(node)) }
        result.add(2, graph.name)
        for (name, tensor) in graph.weights {
            var weight = ProtobufMessage()
            for side in tensor.shape { weight.add(1, side) }
            weight.add(2, type(tensor.type))
            weight.add(8, name)
            weight.add(9, tensor)
            result.add(5, weight)
        }
        for value in graph.inputs { result.add(11, message(value)) }
        for value in graph.outputs { result.add(12, message(value)) }
        return result
    }

    private static func message(_ node: ONNXGraph.Node) -> ProtobufMessage {
        var result = ProtobufMessage()
        for input in node.inputs { result.add(1, input) }
        result.add(2, node.output)
        result.add(3, node.output)
        result.add(4, node.operation)
        for (name, value) in node.attributes {
            var attribute = ProtobufMessage()
            attribute.add(1, name)
            switch value {
            case .float(let number):
                attribute.add(2, number)
                attribute.add(20, 1)
            case .integer(let number):
                attribute.add(3, number)
                attribute.add(20, 2)
            case .integers(let numbers):
                for number in numbers { attribute.add(8, number) }
                attribute.add(20, 7)
            }
            result.add(5, attribute)
        }
        return result
    }

    private static func message(_ value: ONNXGraph.Value) -> ProtobufMessage {
        var shape = ProtobufMessage()
        for side in value.shape {
            var dimension = ProtobufMessage()
            switch side {
            case .length(let length): dimension.add(1, length)
            case .named(let name): dimension.add(2, name)
            }
            shape.add(1, dimension)
        }
        var tensor = ProtobufMessage()
        tensor.add(1, type(value.type))
        tensor.add(2, shape)
        var type = ProtobufMessage()
        type.add(1, tensor)
        var result = ProtobufMessage()
        result.add(1, value.name)
        result.add(2, type)
        return result
    }

    /// `TensorProto.DataType`.
    private static func type(_ type: ElementType) -> Int {
        switch type {
        case .f32: 1
        case .u8: 2
        case .i64: 7
        default: preconditionFailure("no value of a graph is \(type.rawValue)")
        }
    }
}
