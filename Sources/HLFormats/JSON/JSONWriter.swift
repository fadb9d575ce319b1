extension JSONValue {
    /// The value on one line, without spaces. Numbers that JSON cannot say (infinities, NaN) become `null`.
    package var text: String {
        var output = ""
        write(to: &output, indentation: nil)
        return output
    }

    /// The value with one member or element per line, for people; arrays of numbers stay on one line.
    package var indentedText: String {
        var output = ""
        write(to: &output, indentation: 0)
        return output
    }

    private func write(to output: inout String, indentation: Int?) {
        switch self {
        case .null: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .integer(let value): output += String(value)
        case .number(let value): output += value.isFinite ? value.description : "null"
        case .string(let value): Self.write(value, to: &output)
        case .array(let elements):
            let isFlat = elements.allSatisfy { $0.number != nil }
            let inner = isFlat ? nil : indentation.map { $0 + 1 }
            output += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { output += isFlat && indentation != nil ? ", " : "," }
                Self.breakLine(&output, inner)
                element.write(to: &output, indentation: inner)
            }
            if !elements.isEmpty { Self.breakLine(&output, isFlat ? nil : indentation) }
            output += "]"
        case .object(let object):
            let inner = indentation.map { $0 + 1 }
            output += "{"
            for (index, member) in object.members.enumerated() {
                if index > 0 { output += "," }
                Self.breakLine(&output, inner)
                Self.write(member.key, to: &output)
                output += indentation == nil ? ":" : ": "
                member.value.write(to: &output, indentation: inner)
            }
            if !object.members.isEmpty { Self.breakLine(&output, indentation) }
            output += "}"
        }
    }

    private static func breakLine(_ output: inout String, _ indentation: Int?) {
        guard let indentation else { return }
        output += "\n" + String(repeating: "  ", count: indentation)
    }

    static func write(_ value: String, to output: inout String) {
        output += "\""
        if value.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            output += value
        } else {
            for scalar in value.unicodeScalars { output += escaped(scalar) }
        }
        output += "\""
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: return String(scalar)
        }
    }
}
