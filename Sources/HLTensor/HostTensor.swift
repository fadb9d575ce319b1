/// A tensor in host memory: row-major, immutable once made, cheap to copy and to slice along its first dimension.
package struct HostTensor: Sendable {
    package let type: ElementType
    package let shape: [Int]
    private let buffer: HostBuffer
    private let offset: Int

    /// A new tensor whose memory `fill` must write completely.
    package init(
        _ type: ElementType, shape: [Int], fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows {
        self.type = type
        self.shape = shape
        buffer = HostBuffer(count: shape.reduce(type.size, *))
        offset = 0
        try fill(buffer.bytes)
    }

    /// A view of memory that something else filled, such as the record a tensor came in. No bytes are copied unless
    /// the offset is not a multiple of the element size.
    ///
    /// The range must lie within the buffer; callers that parse foreign bytes have checked it.
    package init(_ type: ElementType, shape: [Int], in buffer: HostBuffer, at offset: Int) {
        let count = shape.reduce(type.size, *)
        precondition(offset >= 0 && count <= buffer.count - offset)
        self.type = type
        self.shape = shape
        if offset % type.size == 0 {
            self.buffer = buffer
            self.offset = offset
        } else {
            self.buffer = HostBuffer(count: count)
            self.offset = 0
            self.buffer.pointer.copyMemory(from: buffer.pointer + offset, byteCount: count)
        }
    }

    package init(_ values: [Float], shape: [Int]) {
        precondition(values.count == shape.reduce(1, *))
        self.init(.f32, shape: shape) { bytes in values.withUnsafeBytes { bytes.copyMemory(from: $0) } }
    }

    package init(_ values: [Int64], shape: [Int]) {
        precondition(values.count == shape.reduce(1, *))
        self.init(.i64, shape: shape) { bytes in values.withUnsafeBytes { bytes.copyMemory(from: $0) } }
    }

    package var elementCount: Int { shape.reduce(1, *) }
    package var byteCount: Int { elementCount * type.size }

    /// Elements in one entry of the first dimension; 1 for a scalar.
    package var rowCount: Int { shape.first ?? 1 }
    package var rowSize: Int { shape.dropFirst().reduce(1, *) }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(buffer) {} }
        return try body(UnsafeRawBufferPointer(start: buffer.pointer + offset, count: byteCount))
    }

    /// The elements as `Element`, whose size must be that of the element type.
    package func withUnsafeElements<Element: BitwiseCopyable, Result>(
        as _: Element.Type, _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) rethrows -> Result {
        precondition(MemoryLayout<Element>.size == type.size)
        return try withUnsafeBytes { try body($0.bindMemory(to: Element.self)) }
    }

    /// A copy of the elements of an F32 tensor.
    package var floats: [Float] {
        precondition(type == .f32)
        return withUnsafeElements(as: Float.self, Array.init)
    }

    /// A copy of the elements of an I64 tensor.
    package var integers: [Int64] {
        precondition(type == .i64)
        return withUnsafeElements(as: Int64.self, Array.init)
    }

    /// Entries `range` of the first dimension; shares memory.
    package func rows(_ range: Range<Int>) -> HostTensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rowCount)
        return HostTensor(
            type, shape: [range.count] + shape.dropFirst(), in: buffer,
            at: offset + range.lowerBound * rowSize * type.size)
    }

    /// The entries `indices` of the first dimension, in that order; a copy.
    package func gather(_ indices: [Int]) -> HostTensor {
        let stride = rowSize * type.size
        return HostTensor(type, shape: [indices.count] + shape.dropFirst()) { target in
            withUnsafeBytes { source in
                for (row, index) in indices.enumerated() where stride > 0 {
                    precondition(index >= 0 && index < rowCount)
                    (target.baseAddress! + row * stride).copyMemory(
                        from: source.baseAddress! + index * stride, byteCount: stride)
                }
            }
        }
    }

    /// The same elements under another shape.
    package func reshaped(_ shape: [Int]) -> HostTensor {
        precondition(shape.reduce(1, *) == elementCount)
        return HostTensor(type, shape: shape, in: buffer, at: offset)
    }

    /// Tensors of one type and row shape, one below the other. A single part is returned as it is.
    package static func concatenate(_ parts: [HostTensor]) -> HostTensor {
        if parts.count == 1 { return parts[0] }
        let first = parts[0]
        precondition(parts.allSatisfy { $0.type == first.type && $0.shape.dropFirst() == first.shape.dropFirst() })
        let shape = [parts.reduce(0) { $0 + $1.rowCount }] + first.shape.dropFirst()
        return HostTensor(first.type, shape: shape) { target in
            var position = 0
            for part in parts {
                part.withUnsafeBytes { source in
                    if let start = source.baseAddress, source.count > 0 {
                        (target.baseAddress! + position).copyMemory(from: start, byteCount: source.count)
                    }
                    position += source.count
                }
            }
        }
    }
}
