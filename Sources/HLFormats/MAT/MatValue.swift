import HLTensor

/// What a variable, a cell or a field of a MAT-file holds. Arrays are in MATLAB's order: the first index runs fastest.
package indirect enum MatValue: Sendable {
    case numbers(MatNumbers)
    case text(MatText)
    case cells(shape: [Int], elements: [MatValue])
    case structures(MatStructures)
    /// What is not read, by its name: sparse and complex arrays, objects, function handles.
    case other(String)

    /// The numbers of an array, nil for anything else.
    package var numbers: MatNumbers? { if case .numbers(let numbers) = self { numbers } else { nil } }

    /// The number of an array of one.
    package var number: Double? { numbers.flatMap { $0.count == 1 ? $0.doubles[0] : nil } }

    /// The whole number of an array of one.
    package var integer: Int? { numbers.flatMap { $0.count == 1 ? $0.integers?[0] : nil } }

    /// A text of one row; the text of a cell that holds just one, as nested names often are.
    package var text: String? {
        switch self {
        case .text(let text): text.rows.count == 1 ? text.rows[0] : text.rows.isEmpty ? "" : nil
        case .cells(_, let elements): elements.count == 1 ? elements[0].text : nil
        default: nil
        }
    }

    /// The texts of a cell array of texts, or the rows of a text.
    package var texts: [String]? {
        switch self {
        case .text(let text): return text.rows
        case .cells(_, let elements):
            let texts = elements.compactMap(\.text)
            return texts.count == elements.count ? texts : nil
        default: return nil
        }
    }

    /// The elements of a cell array.
    package var cells: [MatValue]? { if case .cells(_, let elements) = self { elements } else { nil } }

    package var structures: MatStructures? { if case .structures(let array) = self { array } else { nil } }
}

/// An array of numbers, converted when they are asked for: files keep them in the smallest type that holds them.
package struct MatNumbers: Sendable {
    package let shape: [Int]
    /// MATLAB's class, such as `double` or `uint8`; `logical` too.
    package let className: String
    private let bytes: MatBytes
    private let type: MatType

    /// - Parameter bytes: as many elements of `type` as the shape says.
    init(shape: [Int], className: String, bytes: MatBytes, type: MatType) {
        self.shape = shape
        self.className = className
        self.bytes = bytes
        self.type = type
    }

    package var count: Int { bytes.count / type.size }

    /// In the file's order.
    package var doubles: [Double] {
        switch type {
        case .int8: elements(Int8.self).map(Double.init)
        case .uint8: elements(UInt8.self).map(Double.init)
        case .int16: elements(Int16.self).map(Double.init)
        case .uint16: elements(UInt16.self).map(Double.init)
        case .int32: elements(Int32.self).map(Double.init)
        case .uint32: elements(UInt32.self).map(Double.init)
        case .int64: elements(Int64.self).map(Double.init)
        case .uint64: elements(UInt64.self).map(Double.init)
        case .single: elements(UInt32.self).map { Double(Float(bitPattern: $0)) }
        default: elements(UInt64.self).map(Double.init(bitPattern:))
        }
    }

    /// In the file's order; nil unless all are whole numbers that fit.
    package var integers: [Int]? {
        switch type {
        case .int64: return elements(Int64.self).map(Int.init)
        case .uint64:
            let values = elements(UInt64.self).compactMap(Int.init(exactly:))
            return values.count == count ? values : nil
        default:
            let values = doubles.compactMap(Int.init(exactly:))
            return values.count == count ? values : nil
        }
    }

    private func elements<Element: FixedWidthInteger & BitwiseCopyable>(_: Element.Type) -> [Element] {
        (0..<count).map { bytes.integer(at: $0 * type.size, as: Element.self) ?? 0 }
    }
}

/// A character array: rows of one length.
package struct MatText: Sendable {
    package let rows: [String]
}

/// An array of structures, all with the same fields.
package struct MatStructures: Sendable {
    package let shape: [Int]
    package let fields: [String]
    /// The fields of the first structure, then those of the second …
    private let values: [MatValue]
    private let places: [String: Int]

    init(shape: [Int], fields: [String], values: [MatValue]) {
        self.shape = shape
        self.fields = fields
        self.values = values
        places = Dictionary(zip(fields, fields.indices)) { first, _ in first }
    }

    package var count: Int { shape.reduce(1, *) }

    /// A field of structure `index` < ``count``; nil where there is no such field.
    package subscript(index: Int, field: String) -> MatValue? {
        precondition(index >= 0 && index < count)
        return places[field].map { values[index * fields.count + $0] }
    }
}
