import HLTensor

/// Elements of one type that tensors are views of, not yet copied from the file.
package final class TensorStorage {
    package let type: ElementType
    /// Elements.
    package let count: Int
    /// Nil only while a legacy file is read, where the elements follow the tensors.
    private(set) var bytes: ByteSlice?
    /// PyTorch's class of elements that are of none of our types; they are bytes here, and no tensor is made of them.
    let opaqueType: String?
    /// The storage that this one is a view of, and where in it, in elements.
    private let base: (storage: TensorStorage, offset: Int)?

    init(_ type: ElementType, count: Int, bytes: ByteSlice? = nil, opaqueType: String? = nil) throws {
        guard count >= 0, count <= Int.max / 16, bytes.map({ $0.count >= count * type.size }) ?? true else {
            throw Failure(
                .data, "a storage of \(count) elements has only \(bytes?.count ?? 0) bytes",
                "fetch or save the file again")
        }
        self.type = type
        self.count = count
        self.bytes = bytes
        self.opaqueType = opaqueType
        base = nil
    }

    /// `count` elements of `storage` from `offset` on.
    init(viewOf storage: TensorStorage, at offset: Int, count: Int) throws {
        guard offset >= 0, count >= 0, offset <= storage.count, count <= storage.count - offset else {
            throw Failure(.data, "a view reaches beyond its storage", "fetch or save the file again")
        }
        type = storage.type
        opaqueType = storage.opaqueType
        self.count = count
        base = (storage, offset)
    }

    /// Gives the storage its elements.
    func bind(_ bytes: ByteSlice) { self.bytes = bytes }

    func contents() throws -> ByteSlice {
        if let base {
            let whole = try base.storage.contents()
            if let part = whole.slice(at: base.offset * type.size, count: count * type.size) { return part }
        } else if let bytes, let part = bytes.slice(at: 0, count: count * type.size) {
            return part
        }
        throw Failure(.data, "the elements of a storage are missing", "fetch or save the file again")
    }

    /// PyTorch's names, without the module.
    static func elementType(ofClass name: String) -> ElementType? {
        switch name {
        case "FloatStorage": .f32
        case "HalfStorage": .f16
        case "BFloat16Storage": .bf16
        case "DoubleStorage": .f64
        case "LongStorage": .i64
        case "IntStorage": .i32
        case "ShortStorage": .i16
        case "CharStorage": .i8
        case "ByteStorage", "UntypedStorage", "_UntypedStorage": .u8
        case "BoolStorage": .bool
        case "ComplexFloatStorage": .c64
        default: nil
        }
    }

    /// Bytes of an element of PyTorch's other classes, which are read past.
    static func opaqueSize(ofClass name: String) -> Int? {
        switch name {
        case "ComplexDoubleStorage": 16
        case "ComplexHalfStorage", "QInt32Storage": 4
        case "QInt8Storage", "QUInt8Storage", "QUInt4x2Storage", "QUInt2x4Storage": 1
        default: nil
        }
    }

    /// PyTorch's names of element types, as in `torch.float32`.
    static func elementType(named name: String) -> ElementType? {
        switch name {
        case "float32", "float": .f32
        case "float16", "half": .f16
        case "bfloat16": .bf16
        case "float64", "double": .f64
        case "int64", "long": .i64
        case "int32", "int": .i32
        case "int16", "short": .i16
        case "int8": .i8
        case "uint8": .u8
        case "uint16": .u16
        case "uint32": .u32
        case "uint64": .u64
        case "bool": .bool
        case "float8_e4m3fn": .f8e4m3
        case "float8_e5m2": .f8e5m2
        case "float8_e8m0fnu": .f8e8m0
        case "complex64", "cfloat": .c64
        default: nil
        }
    }
}

/// A strided view of a storage; copied out only when asked for.
package final class StoredTensor {
    package let type: ElementType
    package let shape: [Int]
    let strides: [Int]
    let offset: Int
    let storage: TensorStorage
    /// Elements from the first to the last in the storage, whatever the order.
    private let span: Int

    /// - Parameters:
    ///   - offset: of the first element, in elements of `type`.
    ///   - strides: elements from one index to the next, per dimension.
    ///   - type: of the elements; the storage's own unless the storage is untyped.
    init(
        _ storage: TensorStorage, offset: Int, shape: [Int], strides: [Int], type: ElementType? = nil
    ) throws {
        let type = type ?? storage.type
        let available = storage.count * storage.type.size / type.size
        guard shape.count == strides.count, shape.count <= 64, offset >= 0, shape.allSatisfy({ $0 >= 0 }),
            strides.allSatisfy({ $0 >= 0 })
        else { throw Self.failure("a tensor has an impossible shape") }
        // Zero counts as one, so that no partial product of the shape can overflow later.
        var extent = 1
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (product, overflow) = extent.multipliedReportingOverflow(by: max(size, 1))
            let (reach, tooFar) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
            let (sum, beyond) = last.addingReportingOverflow(reach)
            guard !overflow, product <= 1 << 48, !tooFar, !beyond else {
                throw Self.failure("a tensor is impossibly large")
            }
            extent = product
            last = sum
        }
        if !shape.contains(0) {
            guard last < available else { throw Self.failure("a tensor reaches beyond its storage") }
            // Expanded tensors repeat elements, but not without bounds.
            guard extent / 16 <= available + (1 << 20) else {
                throw Self.failure("a tensor repeats its elements \(extent / max(available, 1)) times")
            }
        }
        self.type = type
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.storage = storage
        span = shape.contains(0) ? 0 : last - offset + 1
    }

    /// A row-major tensor whose elements are all of `bytes`.
    convenience init(_ type: ElementType, shape: [Int], rowMajor bytes: ByteSlice) throws {
        let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
        let storage = try TensorStorage(type, count: bytes.count / type.size, bytes: bytes)
        try self.init(storage, offset: 0, shape: shape, strides: strides)
    }

    /// An F32 tensor of values that no file holds. There must be as many as the shape says.
    package convenience init(_ values: [Float], shape: [Int]) throws {
        precondition(values.count == shape.reduce(1, *))
        let bytes = values.withUnsafeBytes { ByteSlice(copying: $0) }
        try self.init(.f32, shape: shape, rowMajor: bytes)
    }

    // MARK: Other views of the same elements

    /// The tensor whose dimension i is this one's dimension `order[i]`; nil unless `order` names each dimension once.
    package func transposed(_ order: [Int]) -> StoredTensor? {
        guard order.sorted() == Array(shape.indices) else { return nil }
        return try? StoredTensor(
            storage, offset: offset, shape: order.map { shape[$0] }, strides: order.map { strides[$0] }, type: type)
    }

    /// The tensor without its first `count` dimensions; nil unless each of these has just one entry.
    package func droppingDimensions(_ count: Int) -> StoredTensor? {
        guard count <= shape.count, shape.prefix(count).allSatisfy({ $0 == 1 }) else { return nil }
        return try? StoredTensor(
            storage, offset: offset, shape: Array(shape.dropFirst(count)), strides: Array(strides.dropFirst(count)),
            type: type)
    }

    // MARK: Elements

    package var elementCount: Int { shape.reduce(1, *) }
    package var byteCount: Int { elementCount * type.size }

    /// The elements, contiguous and row-major, in the tensor's own type.
    package func hostTensor() throws -> HostTensor {
        let contents = try storage.contents()
        return contents.withUnsafeBytes { source in
            HostTensor(type, shape: shape) { target in
                switch type.size {
                case _ where target.isEmpty: break
                case _ where isContiguous:
                    target.copyMemory(
                        from: UnsafeRawBufferPointer(
                            rebasing: source[(offset * type.size)..<(offset * type.size + target.count)]))
                case 1: copy(UInt8.self, from: source, to: target)
                case 2: copy(UInt16.self, from: source, to: target)
                case 4: copy(UInt32.self, from: source, to: target)
                default: copy(UInt64.self, from: source, to: target)
                }
            }
        }
    }

    /// The elements as F32, contiguous and row-major. Nothing but the result stays in memory: the pages of the file
    /// that were read are let go.
    package func float32() throws -> HostTensor {
        let values = try convertedToFloat32(try hostTensor())
        try storage.contents().slice(at: offset * type.size, count: span * type.size)?.discard()
        return values
    }

    private var isContiguous: Bool {
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() {
            if size != 1 && stride != expected { return false }
            expected *= size
        }
        return true
    }

    private func copy<Element: BitwiseCopyable>(
        _: Element.Type, from source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer
    ) {
        let size = MemoryLayout<Element>.size
        let inner = shape.last ?? 1
        let innerStride = strides.last ?? 1
        let rank = shape.count
        var index = [Int](repeating: 0, count: rank)
        var position = offset
        var written = 0
        while written < target.count {
            for step in 0..<inner {
                // A payload need not be aligned in its file.
                let place = (position + step * innerStride) * size
                let element = source.loadUnaligned(fromByteOffset: place, as: Element.self)
                target.storeBytes(of: element, toByteOffset: written, as: Element.self)
                written += size
            }
            var dimension = rank - 2
            while dimension >= 0 {
                index[dimension] += 1
                position += strides[dimension]
                if index[dimension] < shape[dimension] { break }
                position -= shape[dimension] * strides[dimension]
                index[dimension] = 0
                dimension -= 1
            }
            if dimension < 0 { break }
        }
    }

    private static func failure(_ what: String) -> Failure {
        Failure(.data, what, "the file is damaged; fetch or save it again")
    }
}
