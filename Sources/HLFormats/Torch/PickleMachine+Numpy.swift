import HLTensor

/// Arrays and scalars of NumPy. What has other elements than numbers stays an opaque object.
extension PickleMachine {
    /// From `ndarray.__setstate__`'s argument (version, shape, dtype, is Fortran order, bytes).
    func numpyArray(_ state: PickleValue) throws -> StoredTensor? {
        guard case .tuple(let tuple) = state, tuple.slots.count == 5, let shape = Self.integers(tuple.slots[1]),
            let isFortran = tuple.slots[3].integer, let type = try numpyType(tuple.slots[2]),
            let bytes = try binary(tuple.slots[4])
        else { return nil }
        return try array(bytes, type, shape: shape, isFortran: isFortran != 0)
    }

    /// `_frombuffer(bytes, dtype, shape, order)`, which protocol 5 uses.
    func numpyBuffer(_ values: [PickleValue]) throws -> StoredTensor? {
        guard values.count >= 4, let bytes = try binary(values[0]), let type = try numpyType(values[1]),
            let shape = Self.integers(values[2])
        else { return nil }
        return try array(bytes, type, shape: shape, isFortran: values[3].text == "F")
    }

    /// `scalar(dtype, bytes)`.
    func numpyScalar(_ values: [PickleValue]) throws -> PickleValue? {
        guard values.count == 2, let type = try numpyType(values[0]), let bytes = try binary(values[1]) else {
            return nil
        }
        switch type {
        case .f64: return bytes.integer(at: 0, as: UInt64.self).map { .float(Double(bitPattern: $0)) }
        case .f32: return bytes.integer(at: 0, as: UInt32.self).map { .float(Double(Float(bitPattern: $0))) }
        case .i64: return bytes.integer(at: 0, as: Int64.self).map { .integer($0) }
        case .i32: return bytes.integer(at: 0, as: Int32.self).map { .integer(Int64($0)) }
        case .i16: return bytes.integer(at: 0, as: Int16.self).map { .integer(Int64($0)) }
        case .i8: return bytes.integer(at: 0, as: Int8.self).map { .integer(Int64($0)) }
        case .u32: return bytes.integer(at: 0, as: UInt32.self).map { .integer(Int64($0)) }
        case .u16: return bytes.integer(at: 0, as: UInt16.self).map { .integer(Int64($0)) }
        case .u8: return bytes.integer(at: 0, as: UInt8.self).map { .integer(Int64($0)) }
        case .bool: return bytes.integer(at: 0, as: UInt8.self).map { .boolean($0 != 0) }
        case .u64, .f16, .bf16, .f8e4m3, .f8e5m2, .f8e8m0, .c64: return nil
        }
    }

    private func array(
        _ bytes: ByteSlice, _ type: ElementType, shape: [Int], isFortran: Bool
    ) throws -> StoredTensor {
        var strides = [Int](repeating: 1, count: shape.count)
        var size = 1
        for dimension in isFortran ? Array(shape.indices) : shape.indices.reversed() {
            strides[dimension] = size
            let (product, overflow) = size.multipliedReportingOverflow(by: max(shape[dimension], 1))
            guard !overflow else { throw damagedPickle("an array is impossibly large") }
            size = product
        }
        let storage = try TensorStorage(type, count: bytes.count / type.size, bytes: bytes)
        return try StoredTensor(storage, offset: 0, shape: shape, strides: strides)
    }

    private func binary(_ value: PickleValue) throws -> ByteSlice? {
        switch value {
        case .bytes(let bytes): return bytes
        case .string(let text):
            try budget.spendCopy(text.utf8.count)
            return ByteSlice(copying: text.utf8)
        default: return nil
        }
    }

    /// A `numpy.dtype`, whose name is its argument and whose byte order comes with its state.
    private func numpyType(_ value: PickleValue) throws -> ElementType? {
        guard case .object(let dtype) = value, dtype.module == "numpy", dtype.name == "dtype",
            let name = dtype.arguments.elements?.first?.text, name.utf8.count <= 16
        else { return nil }
        var order: String?
        if case .tuple(let state) = dtype.state, state.slots.count > 1 { order = state.slots[1].text }
        guard order != ">", name.first != ">" else {
            throw Failure(
                .data, "an array is big-endian, which is not supported", "save it again on a little-endian machine")
        }
        switch name.drop(while: { "<=|".contains($0) }) {
        case "f2": return .f16
        case "f4": return .f32
        case "f8": return .f64
        case "i1": return .i8
        case "i2": return .i16
        case "i4": return .i32
        case "i8": return .i64
        case "u1": return .u8
        case "u2": return .u16
        case "u4": return .u32
        case "u8": return .u64
        case "b1": return .bool
        default: return nil
        }
    }
}
