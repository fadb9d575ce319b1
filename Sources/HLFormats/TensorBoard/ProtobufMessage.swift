/// A message of protocol buffers under construction: fields one behind the other, in the wire format.
struct ProtobufMessage {
    private(set) var bytes: [UInt8] = []

    /// An integer field.
    mutating func add(_ number: Int, _ value: Int64) {
        tag(number, 0)
        varint(UInt64(bitPattern: value))
    }

    mutating func add(_ number: Int, _ value: Double) {
        tag(number, 1)
        little(value.bitPattern)
    }

    mutating func add(_ number: Int, _ value: Float) {
        tag(number, 5)
        little(value.bitPattern)
    }

    mutating func add(_ number: Int, _ text: String) { add(number, Array(text.utf8)) }

    /// A message within the message.
    mutating func add(_ number: Int, _ message: ProtobufMessage) { add(number, message.bytes) }

    private mutating func add(_ number: Int, _ content: [UInt8]) {
        tag(number, 2)
        varint(UInt64(content.count))
        bytes += content
    }

    private mutating func tag(_ number: Int, _ wireType: UInt64) { varint(UInt64(number) << 3 | wireType) }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest > 0x7f {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func little(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
