import Testing

/// What a test wants to know of an ONNX file, read by the rules of Protocol Buffers alone.
struct ONNXModel {
    struct Node {
        var operation = ""
        var inputs: [String] = []
        var output = ""
    }

    private(set) var operators = 0
    private(set) var nodes: [Node] = []
    private(set) var weights: [String] = []
    /// Such as `images: batch 3 24 24`.
    private(set) var inputs: [String] = []
    private(set) var outputs: [String] = []

    func count(_ operation: String) -> Int { nodes.count { $0.operation == operation } }

    init(_ bytes: [UInt8]) throws {
        for (field, value) in try Self.fields(bytes[...]) {
            if field == 8 { operators = try Self.fields(value.bytes).first { $0.field == 2 }?.value.number ?? 0 }
            guard field == 7 else { continue }
            for (field, value) in try Self.fields(value.bytes) {
                switch field {
                case 1: nodes.append(try Self.node(value.bytes))
                case 5: weights += try Self.fields(value.bytes).filter { $0.field == 8 }.map(\.value.text)
                case 11: inputs.append(try Self.border(value.bytes))
                case 12: outputs.append(try Self.border(value.bytes))
                default: break
                }
            }
        }
    }

    private static func node(_ bytes: ArraySlice<UInt8>) throws -> Node {
        var node = Node()
        for (field, value) in try fields(bytes) {
            switch field {
            case 1: node.inputs.append(value.text)
            case 2: node.output = value.text
            case 4: node.operation = value.text
            default: break
            }
        }
        return node
    }

    private static func border(_ bytes: ArraySlice<UInt8>) throws -> String {
        let parts = try fields(bytes)
        let name = try #require(parts.first { $0.field == 1 }).value.text
        let tensor = try fields(try #require(parts.first { $0.field == 2 }).value.bytes)[0].value.bytes
        let shape = try #require(try fields(tensor).first { $0.field == 2 }).value.bytes
        let sides = try fields(shape).map { side in
            let (field, value) = try fields(side.value.bytes)[0]
            return field == 1 ? "\(value.number)" : value.text
        }
        return "\(name): \(sides.joined(separator: " "))"
    }

    private struct Value {
        var number = 0
        var bytes: ArraySlice<UInt8> = []
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    private static func fields(_ bytes: ArraySlice<UInt8>) throws -> [(field: Int, value: Value)] {
        var rest = bytes
        func varint() throws -> Int {
            var value = 0
            for shift in stride(from: 0, to: 63, by: 7) {
                let first = rest.popFirst(), byte = try #require(first)
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { break }
            }
            return value
        }
        var result: [(Int, Value)] = []
        while !rest.isEmpty {
            let tag = try varint()
            switch tag & 7 {
            case 0: result.append((tag >> 3, Value(number: try varint())))
            case 2:
                let count = try varint()
                try #require(count <= rest.count)
                result.append((tag >> 3, Value(bytes: rest.prefix(count))))
                rest = rest.dropFirst(count)
            default: rest = rest.dropFirst(4)
            }
        }
        return result
    }
}
