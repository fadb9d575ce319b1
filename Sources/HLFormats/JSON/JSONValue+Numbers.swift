extension JSONValue {
    /// A number as short as leads back to the same `Float`: 0.9, where the nearest Float as a `Double` would be
    /// 0.8999999761581421. What is no number is null.
    package static func float(_ value: Float) -> JSONValue {
        guard value.isFinite else { return .null }
        let short = Double(value.description) ?? Double(value)
        // Rounded twice, a decimal half-way between two may lead to the other one.
        return .number(Float(short) == value ? short : Double(value))
    }

    /// A percentage without the last digits of its arithmetic: 13.95, where 100 times 0.1395 is 13.950000000000001. What
    /// is no number is null.
    package static func percent(_ value: Double) -> JSONValue {
        value.isFinite ? .number((value * 1e10).rounded() / 1e10) : .null
    }

    /// Whether all numbers in the value are finite: JSON has null for others.
    package var isFinite: Bool {
        switch self {
        case .number(let value): value.isFinite
        case .array(let elements): elements.allSatisfy(\.isFinite)
        case .object(let object): object.members.allSatisfy(\.value.isFinite)
        default: true
        }
    }

    /// A seed as a number, or as text beyond `Int64`, where most JSON readers would lose digits.
    package static func seed(_ seed: UInt64) -> JSONValue {
        Int64(exactly: seed).map { .integer($0) } ?? .string(String(seed))
    }

    /// The seed that this is, in either form; nil where it is none.
    package var seed: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .string(let text): UInt64(text)
        default: nil
        }
    }
}
