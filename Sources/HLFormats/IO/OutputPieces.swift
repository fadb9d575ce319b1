import HLTensor

/// Bytes that are put together before they are written: short ones side by side, tensors where they are, so that weights
/// are not copied however deep they lie.
struct OutputPieces {
    private enum Piece {
        case bytes([UInt8])
        case tensor(HostTensor)
    }

    private var pieces: [Piece] = []
    /// Of all pieces, in bytes.
    private(set) var count = 0

    mutating func append(_ bytes: some Collection<UInt8>) {
        count += bytes.count
        if case .bytes(var last) = pieces.last {
            // Taken out first, so that the array is not copied.
            pieces.removeLast()
            last.append(contentsOf: bytes)
            pieces.append(.bytes(last))
        } else {
            pieces.append(.bytes(Array(bytes)))
        }
    }

    mutating func append(_ text: String) { append(Array(text.utf8)) }

    /// An integer as it lies in memory, little-endian.
    mutating func append(littleEndian value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { append($0) }
    }

    /// The elements, row-major and little-endian.
    mutating func append(_ tensor: HostTensor) {
        count += tensor.byteCount
        pieces.append(.tensor(tensor))
    }

    mutating func append(_ other: OutputPieces) {
        for piece in other.pieces {
            switch piece {
            case .bytes(let bytes): append(bytes)
            case .tensor(let tensor): append(tensor)
            }
        }
    }

    /// Calls `body` with each piece in order.
    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        for piece in pieces {
            switch piece {
            case .bytes(let bytes): try bytes.withUnsafeBytes(body)
            case .tensor(let tensor): try tensor.withUnsafeBytes(body)
            }
        }
    }
}
