import HLFormats
import HLTensor

/// An option that some training methods have and others have not: its name, what it means, and the values it takes.
///
/// Two methods that share an option declare it with the same name, each with a default of its own.
package struct MethodOption: Sendable {
    package enum Value: Sendable, Equatable {
        case integer(Int)
        case number(Float)
        case flag(Bool)
    }

    /// Which values are allowed.
    package enum Domain: Sendable, Equatable {
        case integers(from: Int, to: Int = .max)
        /// All numbers above 0.
        case positive
        case numbers(ClosedRange<Float>)
        case flag
    }

    /// As on the command line, without the dashes: `target-momentum`.
    package let name: String
    /// What it is, for `--help`, as the end of a sentence; the same for all methods that have it.
    package let help: String
    package let domain: Domain
    /// What the method takes where nothing is said.
    package let standard: Value

    package init(_ name: String, _ help: String, _ domain: Domain, default standard: Value) {
        precondition(domain.contains(standard))
        self.name = name
        self.help = help
        self.domain = domain
        self.standard = standard
    }

    /// In the settings that are kept: `target_momentum`.
    package var key: String { String(name.map { $0 == "-" ? "_" : $0 }) }

    /// - Throws: `Failure(.usage)` for a value that the option does not take.
    func check(_ value: Value) throws {
        guard domain.contains(value) else {
            throw Failure(.usage, "--\(name) \(value.text) is out of range", "give \(domain.text)")
        }
    }
}

extension MethodOption.Value {
    /// As it is typed and printed: `0.1`, `65536`, `on`.
    package var text: String {
        switch self {
        case .integer(let value): String(value)
        case .number(let value): "\(value)"
        case .flag(let value): value ? "on" : "off"
        }
    }

    var json: JSONValue {
        switch self {
        case .integer(let value): .integer(Int64(value))
        case .number(let value): .float(value)
        case .flag(let value): .bool(value)
        }
    }
}

extension MethodOption.Domain {
    /// `an integer from 2 to 1048576`; empty for a flag.
    package var text: String {
        switch self {
        case .integers(let lowest, .max): "an integer from \(lowest)"
        case .integers(let lowest, let highest): "an integer from \(lowest) to \(highest)"
        case .positive: "a number above 0"
        case .numbers(let range): "a number from \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))"
        case .flag: ""
        }
    }

    private static func short(_ value: Float) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }

    fileprivate func contains(_ value: MethodOption.Value) -> Bool {
        switch (self, value) {
        case (.integers(let lowest, let highest), .integer(let value)): lowest <= value && value <= highest
        case (.positive, .number(let value)): value > 0 && value.isFinite
        case (.numbers(let range), .number(let value)): range.contains(value)
        case (.flag, .flag): true
        default: false
        }
    }
}

/// What a method's own options say in one run, defaults included.
package struct MethodValues: Sendable, Equatable {
    private let entries: [(option: MethodOption, value: MethodOption.Value)]

    /// - Parameter given: values by option name; options that are not named take their defaults.
    /// - Throws: `Failure(.usage)` for a value that an option does not take.
    init(_ options: [MethodOption], given: [String: MethodOption.Value]) throws {
        precondition(given.keys.allSatisfy { name in options.contains { $0.name == name } })
        entries = try options.map { option in
            let value = given[option.name] ?? option.standard
            try option.check(value)
            return (option, value)
        }
    }

    package func integer(_ name: String) -> Int {
        guard case .integer(let value) = self[name] else { preconditionFailure("--\(name) is no integer") }
        return value
    }

    package func number(_ name: String) -> Float {
        guard case .number(let value) = self[name] else { preconditionFailure("--\(name) is no number") }
        return value
    }

    package func flag(_ name: String) -> Bool {
        guard case .flag(let value) = self[name] else { preconditionFailure("--\(name) is no flag") }
        return value
    }

    private subscript(name: String) -> MethodOption.Value {
        guard let entry = entries.first(where: { $0.option.name == name }) else {
            preconditionFailure("the method declares no --\(name)")
        }
        return entry.value
    }

    /// For the settings that are kept, in the order of the options.
    var json: [(key: String, value: JSONValue)] { entries.map { ($0.option.key, $0.value.json) } }

    package static func == (a: MethodValues, b: MethodValues) -> Bool {
        a.entries.map(\.option.name) == b.entries.map(\.option.name) && a.entries.map(\.value) == b.entries.map(\.value)
    }
}
