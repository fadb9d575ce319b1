import HLTensor

/// What the parser says of a command line that it does not take, in the words of this family: with the values that would
/// have been right, and with the option that was probably meant.
package struct Complaint {
    private let command: CommandDescription

    package init(_ command: CommandDescription) { self.command = command }

    /// - Parameter message: the parser's.
    package func failure(_ message: String) -> Failure {
        let help = "see '\(command.name) --help'"
        if let match = message.firstMatch(of: /^Unknown option '(-[^']*)'/) {
            let name = String(match.1.prefix { $0 != "=" })
            let meant = alternatives(to: name)
            return Failure(
                .usage, "unknown option '\(name)'",
                meant.isEmpty ? help : "did you mean \(meant.joined(separator: " or "))?")
        }
        if let match = message.firstMatch(
            of: /^The value '(.*)' is invalid for '([^' ]+)( [^']*)?'/.dotMatchesNewlines()),
            let argument = command.named(match.2) ?? command.arguments.first(where: { $0.label == match.2 }),
            let expectation = argument.expectation
        {
            let label = "\(match.2)\(match.3 ?? "")"
            return Failure(.usage, "the value '\(match.1)' is invalid for '\(label)'", "give \(expectation)")
        }
        if let match = message.firstMatch(of: /^Missing value for '([^' ]+)[^']*'/),
            let argument = command.named(match.1), let expectation = argument.expectation
        {
            return Failure(.usage, "there is no value for '\(argument.label)'", "give \(expectation)")
        }
        return Failure(.usage, Console.oneLine(message), help)
    }

    /// The options that may have been meant: what the name abbreviates, by its beginning or by the initials of its
    /// words, else the nearest by letters.
    package func alternatives(to name: String) -> [String] {
        let options = command.arguments.flatMap(\.names).filter { $0.hasPrefix("--") }
        if !name.hasPrefix("--") { return options.filter { $0 == "-" + name } }
        let word = name.dropFirst(2)
        guard word.count > 1 else { return [] }
        let begun = options.filter { $0.hasPrefix(name) }
        if !begun.isEmpty { return Array(begun.prefix(3)) }
        let initials = options.filter { option in
            String(option.dropFirst(2).split(separator: "-").compactMap(\.first)) == word
        }
        if !initials.isEmpty { return initials }
        // A third of the letters may be others, or missing; more is another word.
        let near = options.map { ($0, Self.distance(name, $0)) }.filter { $0.1 <= max(1, word.count / 3) }
        return near.min { $0.1 < $1.1 }.map { [$0.0] } ?? []
    }

    /// Letters to insert, remove, replace or swap with their neighbour (Damerau and Levenshtein, each pair swapped once).
    static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a), Array(b))
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var least = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, beforeLast[j - 1] + 1) }
                row.append(least)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
