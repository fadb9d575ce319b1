import HLTensor

/// Arrays: flags, shape, name, and what their class has.
enum MatArray {
    /// Levels of cells and structures within each other.
    private static let maximumDepth = 64

    /// - Parameter contents: of an element of type matrix.
    /// - Throws: `Failure` (data).
    static func read(
        _ contents: MatBytes, _ budget: inout MatBudget, depth: Int = 0
    ) throws -> (name: String, MatValue) {
        try budget.spend(1)
        guard depth < maximumDepth else { throw damagedMat("cells and structures are nested without end") }
        var elements = MatElements(contents)
        // An empty cell or field.
        if elements.rest == 0 { return ("", numbers([0, 0], "double", MatElement(type: .double, contents: contents))) }
        let flags = try elements.next(.uint32, for: "the class of an array").contents
        guard let word = flags.integer(at: 0, as: UInt32.self) else { throw damagedMat("an array has no class") }
        let (type, isComplex, isLogical) = (word & 0xFF, word & 0x800 != 0, word & 0x200 != 0)
        // Objects of newer kinds have no shape.
        if type == 17 {
            return (try elements.next(.int8, .uint8, .utf8, for: "a name").contents.name, .other("an object"))
        }
        let shape = try Self.shape(elements.next(.int32, .uint32, for: "the shape of an array").contents)
        let name = try elements.next(.int8, .uint8, .utf8, for: "the name of an array").contents.name
        switch type {
        case 1: return (name, try cells(shape, &elements, &budget, depth))
        case 2: return (name, try structures(shape, &elements, &budget, depth))
        case 3: return (name, .other("an object"))
        case 4:
            guard shape.count == 2 else { return (name, .other("a text of \(shape.count) dimensions")) }
            return (name, try text(shape, &elements))
        case 5: return (name, .other("a sparse matrix"))
        case 6...15:
            if isComplex { return (name, .other("an array of complex numbers")) }
            guard let numbers = try elements.next(), numbers.type.isNumber else {
                throw damagedMat("the numbers of an array are missing")
            }
            guard shape.reduce(1, *) == numbers.contents.count / numbers.type.size,
                numbers.contents.count % numbers.type.size == 0
            else { throw damagedMat("an array has another number of elements than its shape") }
            return (name, self.numbers(shape, isLogical ? "logical" : classNames[Int(type) - 6], numbers))
        case 16: return (name, .other("a function handle"))
        default: throw damagedMat("an array has the unknown class \(type)")
        }
    }

    private static let classNames = [
        "double", "single", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    ]

    private static func numbers(_ shape: [Int], _ className: String, _ element: MatElement) -> MatValue {
        .numbers(MatNumbers(shape: shape, className: className, bytes: element.contents, type: element.type))
    }

    /// Sizes whose product, and every partial one, is far from overflowing.
    private static func shape(_ bytes: MatBytes) throws -> [Int] {
        let shape = bytes.integers(as: Int32.self).map(Int.init)
        guard (1...32).contains(shape.count), shape.allSatisfy({ $0 >= 0 }) else {
            throw damagedMat("an array has an impossible shape")
        }
        var product = 1
        for size in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
            guard !overflow, next <= 1 << 40 else { throw damagedMat("an array is impossibly large") }
            product = next
        }
        return shape
    }

    // MARK: Cells and structures

    private static func cells(
        _ shape: [Int], _ elements: inout MatElements, _ budget: inout MatBudget, _ depth: Int
    ) throws -> MatValue {
        let values = try arrays(shape.reduce(1, *), &elements, &budget, depth)
        return .cells(shape: shape, elements: values)
    }

    private static func structures(
        _ shape: [Int], _ elements: inout MatElements, _ budget: inout MatBudget, _ depth: Int
    ) throws -> MatValue {
        let lengths = try elements.next(.int32, for: "the length of field names").contents
        let names = try elements.next(.int8, .uint8, .utf8, for: "the names of fields").contents
        guard let length = lengths.integer(at: 0, as: Int32.self).map(Int.init), length > 0, names.count % length == 0
        else { throw damagedMat("the names of fields are malformed") }
        let fields = stride(from: 0, to: names.count, by: length).map { names.slice(at: $0, count: length)?.name ?? "" }
        // Without fields nothing in the file stands for a structure.
        guard !fields.isEmpty || shape.reduce(1, *) <= 1 << 20 else { throw damagedMat("an array is impossibly large") }
        let (count, overflow) = shape.reduce(1, *).multipliedReportingOverflow(by: fields.count)
        guard !overflow else { throw damagedMat("an array is impossibly large") }
        let values = try arrays(count, &elements, &budget, depth)
        return .structures(MatStructures(shape: shape, fields: fields, values: values))
    }

    private static func arrays(
        _ count: Int, _ elements: inout MatElements, _ budget: inout MatBudget, _ depth: Int
    ) throws -> [MatValue] {
        // Each takes eight bytes at least.
        guard count <= elements.rest / 8 else { throw damagedMat("cells or fields are missing") }
        var values: [MatValue] = []
        values.reserveCapacity(count)
        for _ in 0..<count {
            let element = try elements.next(.matrix, for: "a cell or field")
            values.append(try read(element.contents, &budget, depth: depth + 1).1)
        }
        return values
    }

    // MARK: Text

    /// Rows of UTF-16 code units, whatever they are stored in; a column after the other.
    private static func text(_ shape: [Int], _ elements: inout MatElements) throws -> MatValue {
        let (rows, columns) = (shape[0], shape[1])
        guard rows > 0, columns > 0 else { return .text(MatText(rows: [])) }
        guard let element = try elements.next(), let units = units(element) else {
            throw damagedMat("the characters of a text are missing")
        }
        if rows == 1 { return .text(MatText(rows: [String(decoding: units, as: UTF16.self)])) }
        guard units.count == rows * columns else {
            throw damagedMat("a text has another number of characters than its shape")
        }
        return .text(
            MatText(
                rows: (0..<rows).map { row in
                    String(decoding: (0..<columns).map { units[$0 * rows + row] }, as: UTF16.self)
                }))
    }

    private static func units(_ element: MatElement) -> [UInt16]? {
        switch element.type {
        case .int8, .uint8: element.contents.integers(as: UInt8.self).map(UInt16.init)
        case .utf8: element.contents.bytes.withUnsafeBytes { Array(String(decoding: $0, as: UTF8.self).utf16) }
        case .uint16, .int16, .utf16: element.contents.integers(as: UInt16.self)
        case .uint32, .int32, .utf32:
            element.contents.integers(as: UInt32.self).flatMap {
                Array(String(Character(Unicode.Scalar($0) ?? "\u{FFFD}")).utf16)
            }
        default: nil
        }
    }
}
