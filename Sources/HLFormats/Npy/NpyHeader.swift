/// The Python dictionary at the beginning of a .npy file, such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. Only what `numpy.save` writes is understood.
struct NpyHeader {
    private(set) var descriptor = ""
    private(set) var isFortran = false
    private(set) var shape: [Int] = []

    /// `nil` unless all three keys are there once and nothing else is.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        var rest = Substring(text)
        var seen: Set<String> = []
        guard Self.take("{", &rest) else { return nil }
        while !Self.take("}", &rest) {
            guard let key = Self.string(&rest), Self.take(":", &rest), seen.insert(key).inserted else { return nil }
            switch key {
            case "descr":
                guard let value = Self.value(&rest) else { return nil }
                descriptor = value
            case "fortran_order":
                if Self.take("True", &rest) {
                    isFortran = true
                } else if !Self.take("False", &rest) {
                    return nil
                }
            case "shape":
                guard let value = Self.tuple(&rest) else { return nil }
                shape = value
            default: return nil
            }
            if !Self.take(",", &rest) {
                guard Self.take("}", &rest) else { return nil }
                break
            }
        }
        Self.skipSpace(&rest)
        guard seen.count == 3, rest.isEmpty else { return nil }
    }

    private static func skipSpace(_ rest: inout Substring) {
        rest = rest.drop { $0 == " " || $0 == "\n" || $0 == "\t" || $0 == "\r" }
    }

    private static func take(_ word: String, _ rest: inout Substring) -> Bool {
        skipSpace(&rest)
        guard rest.hasPrefix(word) else { return false }
        rest.removeFirst(word.count)
        return true
    }

    private static func string(_ rest: inout Substring) -> String? {
        skipSpace(&rest)
        guard let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
        rest.removeFirst()
        guard let end = rest.firstIndex(of: quote) else { return nil }
        defer { rest = rest[rest.index(after: end)...] }
        return String(rest[..<end])
    }

    /// A string, or the list of a structured type up to its last bracket as it stands, for the message.
    private static func value(_ rest: inout Substring) -> String? {
        skipSpace(&rest)
        guard rest.first == "[" else { return string(&rest) }
        guard let end = rest.lastIndex(of: "]") else { return nil }
        defer { rest = rest[rest.index(after: end)...] }
        return String(rest[...end])
    }

    private static func tuple(_ rest: inout Substring) -> [Int]? {
        guard take("(", &rest) else { return nil }
        var values: [Int] = []
        while !take(")", &rest) {
            skipSpace(&rest)
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let value = Int(digits) else { return nil }
            rest = rest[digits.endIndex...]
            // Python 2 wrote long integers with a suffix.
            if rest.first == "L" { rest.removeFirst() }
            values.append(value)
            if !take(",", &rest) {
                guard take(")", &rest) else { return nil }
                break
            }
        }
        return values
    }
}
