/// Brings a command line into the one form that the parser takes: as getopt reads it, and people write it.
///
/// - A value may hang on a short option, also behind flags: `-n3`, `-qn3`.
/// - A negative number may stand behind its option: `--mean -0.5`.
/// - An empty value is one: `--chunks ''` and `--chunks=`.
/// - Whole numbers may have a unit or an exponent: `1k`, `2.5M`, `1e6`.
package struct CommandLineForm {
    private let command: CommandDescription

    package init(_ command: CommandDescription) { self.command = command }

    /// Whether anything of this kind may be there. Most command lines have nothing of it, and are not looked at twice.
    package static func isNeeded(_ arguments: [String]) -> Bool {
        arguments.contains { argument in
            guard argument.hasPrefix("-") else { return wholeNumber(argument) != nil }
            guard argument.hasPrefix("--") else { return argument.utf8.count > 2 || isNumber(argument) }
            guard let mark = argument.firstIndex(of: "=") else { return false }
            let value = argument[argument.index(after: mark)...]
            return value.isEmpty || wholeNumber(String(value)) != nil
        }
    }

    package func normalised(_ arguments: [String]) -> [String] {
        var result: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" { return result + [argument] + rest }
            if argument.hasPrefix("--") {
                let halves = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let value = halves.count == 2 ? String(halves[1]) : nil
                result += option(String(halves[0]), value, &rest) ?? [argument]
            } else if argument.hasPrefix("-"), argument != "-" {
                result += cluster(argument, &rest) ?? [argument]
            } else {
                result.append(argument)
            }
        }
        return result
    }

    /// - Parameters:
    ///   - value: what stands in the same word.
    ///   - rest: the words behind it, of which a value is taken.
    /// - Returns: nil for what is no option with a value, which is the parser's to judge.
    private func option(_ name: String, _ value: String?, _ rest: inout ArraySlice<String>) -> [String]? {
        guard let argument = command.named(name), argument.kind == .option else { return nil }
        guard var value = value ?? Self.takeValue(&rest) else { return [name] }
        if argument.takesIntegers, let plain = wholeNumber(value) { value = plain }
        return value.isEmpty ? [name, value] : ["\(name)=\(value)"]
    }

    /// The next word, unless it is an option.
    private static func takeValue(_ rest: inout ArraySlice<String>) -> String? {
        guard let next = rest.first, !next.hasPrefix("-") || next == "-" || isNumber(next) else { return nil }
        return rest.popFirst()
    }

    /// Short options in one word; the first that takes a value has what follows it.
    private func cluster(_ word: String, _ rest: inout ArraySlice<String>) -> [String]? {
        var result: [String] = []
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let argument = command.named("-\(letter)") else { return nil }
            if argument.kind == .option {
                // -n=3 has always been read as -n 3.
                let attached = letters.hasPrefix("=") ? letters.dropFirst() : letters
                return option("-\(letter)", letters.isEmpty ? nil : String(attached), &rest).map { result + $0 }
            }
            result.append("-\(letter)")
        }
        return result
    }

    /// Whether a word that begins with a dash is a number, such as -5, -.5 or -inf.
    private static func isNumber(_ text: String) -> Bool {
        text.hasPrefix("-") && (Double(text) != nil || wholeNumber(text) != nil)
    }
}

/// The digits of a whole number that is written with a decimal unit or an exponent: `1k`, `2.5M`, `3G`, `1e6`; nil for
/// anything else, plain digits included.
package func wholeNumber(_ text: String) -> String? {
    var digits = text[...]
    let sign = digits.hasPrefix("-") ? "-" : ""
    digits = digits.dropFirst(sign.count)
    var power = 0
    if let last = digits.last, let unit = ["k": 3, "K": 3, "M": 6, "G": 9][last] {
        power = unit
        digits = digits.dropLast()
    } else if let mark = digits.lastIndex(where: { $0 == "e" || $0 == "E" }) {
        guard let exponent = Int(digits[digits.index(after: mark)...]), (0...18).contains(exponent) else { return nil }
        power = exponent
        digits = digits[..<mark]
    } else {
        return nil
    }
    let halves = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    var fraction = halves.count == 2 ? halves[1] : ""
    while fraction.hasSuffix("0") { fraction = fraction.dropLast() }
    let all = halves[0] + fraction
    guard !halves[0].isEmpty, fraction.count <= power, all.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    let whole = (String(all) + String(repeating: "0", count: power - fraction.count)).drop { $0 == "0" }
    return sign + (whole.isEmpty ? "0" : String(whole))
}
