import HLTensor

/// A message of Protocol Buffers under construction, field by field in the order of their numbers, as the libraries write
/// them (https://protobuf.dev/programming-guides/encoding).
struct ProtobufMessage {
    private(set) var pieces = OutputPieces()

    private enum WireType: UInt64 {
        case varint = 0, fixed64 = 1, lengthDelimited = 2, fixed32 = 5
    }

    mutating func add(_ field: Int, _ value: Int) {
        tag(field, .varint)
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func add(_ field: Int, _ value: Double) {
        tag(field, .fixed64)
        pieces.append(littleEndian: value.bitPattern)
    }

    mutating func add(_ field: Int, _ value: Float) {
        tag(field, .fixed32)
        pieces.append(littleEndian: value.bitPattern)
    }

    mutating func add(_ field: Int, _ text: String) {
        var bytes = OutputPieces()
        bytes.append(text)
        add(field, bytes)
    }

    mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, message.pieces) }

    mutating func add(_ field: Int, _ tensor: HostTensor) {
        var bytes = OutputPieces()
        bytes.append(tensor)
        add(field, bytes)
    }

    private mutating func add(_ field: Int, _ contents: OutputPieces) {
        tag(field, .lengthDelimited)
        varint(UInt64(contents.count))
        pieces.append(contents)
    }

    private mutating func tag(_ field: Int, _ type: WireType) { varint(UInt64(field) << 3 | type.rawValue) }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    private mutating func varint(_ value: UInt64) {
        var rest = value
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        pieces.append(bytes + [UInt8(rest)])
    }
}
