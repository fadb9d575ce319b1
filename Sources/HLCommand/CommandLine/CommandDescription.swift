import ArgumentParser
import HLFormats

/// What a program declares of its command line, for all that speaks of it: help, completions and messages. It is read
/// from the declarations that the parser works by, so that none of them can say something else.
package struct CommandDescription {
    /// A positional argument, an option with a value, or a flag.
    struct Argument {
        enum Kind: String { case positional, option, flag }

        /// What a shell offers for a value.
        enum Completion: Equatable { case nothing, files, folders, values([String]) }

        let kind: Kind
        /// With their dashes, the short ones first; a positional argument has none.
        let names: [String]
        let valueName: String
        /// Of the help.
        let section: String?
        let isOptional: Bool
        let isRepeating: Bool
        let defaultValue: String?
        /// All that it takes, where that is a list.
        let values: [String]
        let completion: Completion
        /// What it does and, in parentheses at the end, which values it takes.
        let explanation: String
    }

    /// As it is called: `hl-view`, `hl-train walker`.
    let name: String
    /// The first argument that chooses it, in a program that has several: `walker`.
    let word: String
    let abstract: String
    let discussion: String
    let arguments: [Argument]
    let examples: [String]

    /// - Parameter word: `main` for a program that is one.
    package init(_ tool: any Tool.Type, word: String = "main") {
        self.word = word
        let configuration = tool.configuration
        name = configuration.commandName ?? ""
        abstract = configuration.abstract
        discussion = configuration.discussion
        examples = tool.examples
        let declared = (try? JSONValue(parsing: tool._dumpHelp(), name: "the declarations"))?["command"]?["arguments"]
        var arguments: [Argument] = []
        for value in declared?.array ?? [] {
            guard value["shouldDisplay"]?.bool ?? true, let argument = Argument(value) else { continue }
            // A flag and its opposite are two declarations and one thing.
            if let last = arguments.last, argument.isOpposite(of: last) {
                arguments[arguments.count - 1] = Argument(last, names: last.names + argument.names)
            } else {
                arguments.append(argument)
            }
        }
        self.arguments = arguments
    }

    /// The argument with this name, dashes included.
    func named(_ name: some StringProtocol) -> Argument? {
        arguments.first { argument in argument.names.contains { $0 == name } }
    }
}

extension CommandDescription.Argument {
    /// - Parameter value: a declaration as the parser writes it down.
    init?(_ value: JSONValue) {
        guard let kind = value["kind"]?.string.flatMap(Kind.init) else { return nil }
        self.kind = kind
        let names = (value["names"]?.array ?? []).compactMap { name in
            name["name"]?.string.map { (name["kind"]?.string == "long" ? "--" : "-") + $0 }
        }
        self.names = names.filter { !$0.hasPrefix("--") } + names.filter { $0.hasPrefix("--") }
        valueName = value["valueName"]?.string ?? ""
        section = value["sectionTitle"]?.string
        isOptional = value["isOptional"]?.bool ?? false
        isRepeating = value["isRepeating"]?.bool ?? false
        defaultValue = value["defaultValue"]?.string
        values = (value["allValues"]?.array ?? []).compactMap(\.string)
        explanation = value["abstract"]?.string ?? ""
        let offered = value["completionKind"]
        if let list = offered?["list"]?["values"]?.array {
            completion = .values(list.compactMap(\.string))
        } else if offered?["file"] != nil {
            completion = .files
        } else if offered?["directory"] != nil {
            completion = .folders
        } else {
            completion = values.isEmpty ? .nothing : .values(values)
        }
    }

    fileprivate init(_ other: Self, names: [String]) {
        kind = other.kind
        self.names = names
        valueName = other.valueName
        section = other.section
        isOptional = other.isOptional
        isRepeating = other.isRepeating
        defaultValue = other.defaultValue
        values = other.values
        completion = other.completion
        explanation = other.explanation
    }

    fileprivate func isOpposite(of other: Self) -> Bool {
        guard kind == .flag, other.kind == .flag, let name = names.first, let otherName = other.names.last else {
            return false
        }
        return name == "--no-" + otherName.dropFirst(2)
    }

    // MARK: What the explanation says

    /// The last words in parentheses, and what stands before them.
    private var parts: (sentence: String, remark: String?) {
        guard explanation.hasSuffix(")"), let start = explanation.ranges(of: " (").last else {
            return (explanation, nil)
        }
        return (String(explanation[..<start.lowerBound]), String(explanation[start.upperBound...].dropLast()))
    }

    /// What it does, without a full stop and further sentences.
    var summary: String {
        let text = parts.sentence
        let first = text[..<(text.firstRange(of: ". ")?.lowerBound ?? text.endIndex)]
        return String(first.hasSuffix(".") ? first.dropLast() : first)
    }

    /// The explanation with the values and the default, each said once.
    var help: String {
        let (sentence, remark) = parts
        // A remark may have the default alone.
        let saysValues = remark.map { !$0.hasPrefix("default: ") } ?? false
        var remarks = (saysValues || values.isEmpty ? [] : [list(of: values)]) + [remark].compactMap { $0 }
        if let defaultValue, !(remark ?? "").contains("default: ") { remarks.append("default: \(defaultValue)") }
        return remarks.isEmpty ? sentence : "\(sentence) (\(remarks.joined(separator: "; ")))"
    }

    /// What a value has to be: `an integer from 0`; nil where the explanation does not say.
    var expectation: String? {
        if let remark = parts.remark {
            let end = remark.firstRange(of: "; default: ")?.lowerBound ?? remark.endIndex
            let text = remark.hasPrefix("default: ") ? "" : String(remark[..<end])
            if text.isEmpty { return values.isEmpty ? nil : list(of: values) }
            switch text.prefix(while: { $0 != " " && $0 != "," }) {
            case "integer": return "an \(text)"
            case "number", "list", "path", "name": return "a \(text)"
            case "such": return "it as \(text.dropFirst("such as ".count))"
            default: return text
            }
        }
        return values.isEmpty ? nil : list(of: values)
    }

    /// Whether its values are whole numbers.
    var takesIntegers: Bool { parts.remark?.hasPrefix("integer") ?? false }

    /// `-o, --output <file>`
    var label: String {
        if kind == .positional { return "<\(valueName)>" }
        return names.joined(separator: ", ") + (kind == .option ? " <\(valueName)>" : "")
    }
}

/// `a, b or c`
private func list(of values: [String]) -> String {
    guard let last = values.last, values.count > 1 else { return values.first ?? "" }
    return values.dropLast().joined(separator: ", ") + " or " + last
}
