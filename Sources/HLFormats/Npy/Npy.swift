import HLTensor

/// Reads NumPy's .npy files, format 1.0 to 3.0
/// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
package enum Npy {
    /// - Parameter name: what the bytes are, for messages.
    /// - Returns: the array in its own type, row-major and little-endian whatever the file has.
    /// - Throws: `Failure` (data).
    package static func decode(_ buffer: HostBuffer, name: String) throws -> HostTensor {
        defer { withExtendedLifetime(buffer) {} }
        let bytes = UnsafeRawBufferPointer(buffer.bytes)
        guard bytes.count >= 10, bytes[..<6].elementsEqual([0x93] + Array("NUMPY".utf8)) else {
            throw Failure(.data, "\(name) is not a .npy file", "write it with numpy.save")
        }
        guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
            throw Failure(.data, "\(name) has .npy version \(bytes[6]).\(bytes[7])", "write it with numpy.save")
        }
        let isShort = bytes[6] == 1
        guard isShort || bytes.count >= 12 else { throw damaged(name, "it is cut short") }
        let length =
            isShort
            ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
            : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        let start = isShort ? 10 : 12
        guard length <= bytes.count - start else { throw damaged(name, "its header is cut short") }
        guard let header = NpyHeader(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length])) else {
            throw damaged(name, "its header is malformed")
        }
        guard let (type, isSwapped) = Self.type(header.descriptor) else {
            throw Failure(
                .data, "\(name) has the element type \(printable(header.descriptor).replacing("\n", with: " "))",
                "convert it: array.astype('<f4') before numpy.save")
        }
        guard let size = Safetensors.byteCount(type, header.shape), size == bytes.count - start - length else {
            throw damaged(name, "its shape does not fit its \(bytes.count - start - length) bytes of data")
        }
        let tensor = HostTensor(type, shape: header.shape, in: buffer, at: start + length)
        let ordered = header.isFortran && header.shape.count > 1 ? rowMajor(tensor) : tensor
        return isSwapped ? swapped(ordered) : ordered
    }

    /// - Throws: `Failure` (noInput, inputOutput, data).
    package static func read(path: String) throws -> HostTensor {
        try decode(FileDescriptorSource(path: path).readAll(), name: path)
    }

    private static func damaged(_ name: String, _ reason: String) -> Failure {
        Failure(.data, "\(name) is not valid .npy (\(reason))", "copy or make it again")
    }

    private static func type(_ descriptor: String) -> (ElementType, isSwapped: Bool)? {
        let types: [Substring: ElementType] = [
            "b1": .bool, "u1": .u8, "i1": .i8, "u2": .u16, "i2": .i16, "u4": .u32, "i4": .i32, "u8": .u64, "i8": .i64,
            "f2": .f16, "f4": .f32, "f8": .f64,
        ]
        guard let order = descriptor.first, "<>|=".contains(order), let type = types[descriptor.dropFirst()],
            order != "|" || type.size == 1
        else { return nil }
        return (type, order == ">" && type.size > 1)
    }

    /// The same array from column-major order: its bytes are the row-major transpose.
    private static func rowMajor(_ tensor: HostTensor) -> HostTensor {
        let size = tensor.type.size
        let shape = tensor.shape
        var strides = [Int](repeating: size, count: shape.count)
        for axis in 1..<shape.count { strides[axis] = strides[axis - 1] * max(shape[axis - 1], 1) }
        return HostTensor(tensor.type, shape: shape) { target in
            tensor.withUnsafeBytes { source in
                var index = [Int](repeating: 0, count: shape.count)
                var offset = 0
                for position in stride(from: 0, to: target.count, by: size) {
                    for byte in 0..<size { target[position + byte] = source[offset + byte] }
                    for axis in shape.indices.reversed() {
                        index[axis] += 1
                        offset += strides[axis]
                        if index[axis] < shape[axis] { break }
                        offset -= strides[axis] * shape[axis]
                        index[axis] = 0
                    }
                }
            }
        }
    }

    private static func swapped(_ tensor: HostTensor) -> HostTensor {
        let size = tensor.type.size
        return HostTensor(tensor.type, shape: tensor.shape) { target in
            tensor.withUnsafeBytes { source in
                for start in stride(from: 0, to: target.count, by: size) {
                    for byte in 0..<size { target[start + byte] = source[start + size - 1 - byte] }
                }
            }
        }
    }
}
