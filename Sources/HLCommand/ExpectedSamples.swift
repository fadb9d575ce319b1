import HLFormats

extension StreamReader {
    /// Samples in all, where the stream is a file that says so at its end, or comes from an `hl-sample -n`; nil where
    /// nobody knows yet. For progress: whether it is true shows at the end.
    package var expectedSamples: Int? { samplesInFile ?? header.announcedSamples }
}

/// Samples that are left of so many where the first are left out and so many go on at most; nil where nobody knows.
/// - Parameters:
///   - count: nil where nobody knows.
///   - wanted: nil is all.
package func samplesLeft(of count: Int?, skip: Int, wanted: Int?) -> Int? {
    let rest = count.map { max(0, $0 - skip) }
    return wanted.map { min(rest ?? $0, $0) } ?? rest
}

extension StreamHeader {
    /// Samples that `hl-sample -n` was asked for, where the stream comes from one, as far as the programs after it say how
    /// many they leave; nil where nobody can know.
    package var announcedSamples: Int? {
        guard let first = history.first else { return nil }
        return history.dropFirst().reduce(Self.drawn(first)) { Self.left(by: $1, of: $0) }
    }

    /// What a program leaves of so many samples.
    private static func left(by entry: HistoryEntry, of count: Int?) -> Int? {
        let options = Self.options(entry.arguments)
        switch entry.tool {
        case "hl-sample": return nil
        case "hl-filter": return options["--discriminator"] == nil || options["--score"] != nil ? count : nil
        case "hl-select":
            guard options["--ids"] == nil, options["--part"] == nil else { return nil }
            let skipped = options["--skip"].map { number($0) } ?? 0
            guard let skipped, skipped >= 0 else { return nil }
            // The header is that of the first stream, and there may be more in the others.
            let known = operands(entry.arguments) > 1 ? nil : count
            guard let wanted = options["-n"] ?? options["--samples"] else {
                return samplesLeft(of: known, skip: skipped, wanted: nil)
            }
            return number(wanted).flatMap { samplesLeft(of: known, skip: skipped, wanted: $0) }
        default: return count
        }
    }

    private static func drawn(_ first: HistoryEntry) -> Int? {
        guard first.tool == "hl-sample" else { return nil }
        let options = Self.options(first.arguments)
        // Given latents and images may be fewer.
        guard options["--from"] == nil, options["--data"] == nil,
            let count = (options["-n"] ?? options["--count"]).flatMap(Self.number), count >= 0
        else { return nil }
        guard let shard = options["--shard"] else { return count }
        let parts = shard.split(separator: "/").compactMap { Int($0) },
            start = options["--start"].flatMap(Self.number) ?? 0
        guard parts.count == 2, parts[1] > 0, (0..<parts[1]).contains(parts[0]), start >= 0,
            start.addingReportingOverflow(count).overflow == false
        else { return nil }
        func below(_ end: Int) -> Int { end > parts[0] ? (end - parts[0] - 1) / parts[1] + 1 : 0 }
        return below(start + count) - below(start)
    }

    /// Options of hl-select whose value may be the next word.
    private static let optionsWithValues: Set<String> = [
        "-n", "--samples", "--skip", "--keep", "--drop", "--rename", "--ids", "--part", "-o", "--output", "--threads",
        "--record", "--watts", "--gco2", "--country", "--emissions",
    ]

    /// Streams that hl-select has been given by name.
    private static func operands(_ arguments: [String]) -> Int {
        var count = 0, isValue = false, areOptionsOver = false
        for argument in arguments {
            if isValue {
                isValue = false
            } else if areOptionsOver || argument == "-" || !argument.hasPrefix("-") {
                count += 1
            } else if argument == "--" {
                areOptionsOver = true
            } else {
                isValue = optionsWithValues.contains(argument)
            }
        }
        return count
    }

    /// As the command line takes it.
    private static func number(_ text: String) -> Int? { Int(wholeNumber(text) ?? text) }

    /// Options with their values, whether behind a space, a `=`, or nothing; flags have the next word for theirs, which
    /// nobody asks for.
    private static func options(_ arguments: [String]) -> [String: String] {
        var values: [String: String] = [:]
        for (index, argument) in arguments.enumerated() where argument.hasPrefix("-") {
            if let equals = argument.firstIndex(of: "=") {
                values[String(argument[..<equals])] = String(argument[argument.index(after: equals)...])
            } else if !argument.hasPrefix("--") && argument.count > 2 {
                values[String(argument.prefix(2))] = String(argument.dropFirst(2))
            } else {
                values[argument] = index + 1 < arguments.count ? arguments[index + 1] : ""
            }
        }
        return values
    }
}
