import HLFormats

/// What runs are sorted, listed and drawn by: a property of the run, a value that it measured, or a setting.
package enum RunValue: Sendable, Equatable {
    case number(Double)
    case text(String)

    package var number: Double? { if case .number(let value) = self { value } else { nil } }

    /// Names of what every record has, before those of its values and settings.
    package static let properties = [
        "name", "program", "status", "started", "ended", "samples", "seconds", "cpu_seconds", "joules", "watts",
        "grams",
        "threads", "seed", "host",
    ]

    /// Numbers before texts, and texts by their letters and the numbers between them: run2 before run10, and lr0.05 before
    /// lr0.1.
    package static func precedes(_ a: RunValue, _ b: RunValue) -> Bool {
        switch (a, b) {
        case (.number(let a), .number(let b)): a < b
        case (.text(let a), .text(let b)): precedes(a, b)
        case (.number, .text): true
        case (.text, .number): false
        }
    }

    private static func precedes(_ a: String, _ b: String) -> Bool {
        let (left, right) = (pieces(a), pieces(b))
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            // A number's decimals are in order as they are.
            let areDecimals = index > 1 && left[index - 1] == "." && isDigit(left[index - 2].first)
            guard !areDecimals, isDigit(left[index].first), isDigit(right[index].first) else {
                return left[index] < right[index]
            }
            // Without zeros before them the longer digits are the greater number.
            let (one, other) = (left[index].drop { $0 == "0" }, right[index].drop { $0 == "0" })
            if one != other { return one.count == other.count ? one < other : one.count < other.count }
        }
        return left.count == right.count ? a < b : left.count < right.count
    }

    private static func isDigit(_ character: Character?) -> Bool {
        character.map { $0.isASCII && $0.isNumber } ?? false
    }

    /// Runs of digits, and of what is none.
    private static func pieces(_ text: String) -> [Substring] {
        var result: [Substring] = [], rest = text[...]
        while let first = rest.first {
            let piece = rest.prefix { isDigit($0) == isDigit(first) }
            result.append(piece)
            rest = rest[piece.endIndex...]
        }
        return result
    }
}

extension RunRecords.Entry {
    /// A property, value or setting of the run, in this order; nil where it has none of the name.
    package func value(_ name: String) -> RunValue? {
        let cost = { record.totalCost }
        switch name {
        case "name": return .text(self.name)
        case "program": return .text(record.tool)
        case "status": return .text(record.state.rawValue)
        case "started": return .text(RunDate.text(record.earlier.first?.started ?? record.started))
        case "ended": return record.ended.map { .text(RunDate.text($0)) }
        case "samples": return .number(Double(record.samples))
        case "seconds": return .number(cost().seconds)
        case "cpu_seconds": return .number(cost().cpuSeconds)
        case "joules": return cost().energy.map { .number($0.joules) }
        case "watts":
            let all = cost()
            return all.seconds > 0 ? all.energy.map { .number($0.joules / all.seconds) } : nil
        case "grams": return cost().grams.map { .number($0) }
        case "threads": return .number(Double(record.threads))
        case "seed": return record.seed.map { .number(Double($0)) }
        case "host": return .text(record.machine.host)
        default:
            guard let value = record.metrics[name] ?? record.settings?[name] else { return nil }
            return value.number.map { .number($0) } ?? .text(value.string ?? value.text)
        }
    }
}

extension RunRecords {
    /// Those with the value first, ascending; among equals the earlier one first.
    package func sorted(by name: String, isReversed: Bool) -> RunRecords {
        let keyed = entries.map { (entry: $0, value: $0.value(name), started: $0.record.started) }
        let order = keyed.sorted { a, b in
            guard let left = a.value, let right = b.value else {
                if (a.value == nil) != (b.value == nil) { return b.value == nil }
                return a.started < b.started
            }
            if left == right { return a.started < b.started }
            return isReversed ? RunValue.precedes(right, left) : RunValue.precedes(left, right)
        }
        return RunRecords(order.map(\.entry), problems: problems)
    }

    /// The programs of a pipeline, whose records lie in one folder, as one run each: that of the program that ran longest,
    /// or trains, with the processors' time of all. Joules that were estimated add up; those that were measured are of the
    /// whole machine in each record, and the greatest counts.
    package var pipelines: RunRecords {
        var folders: [String] = [], members: [String: [Entry]] = [:]
        for entry in entries {
            let folder = entry.folder
            if members[folder] == nil { folders.append(folder) }
            members[folder, default: []].append(entry)
        }
        return RunRecords(folders.map { Self.joined(members[$0] ?? [], folder: $0) }, problems: problems)
    }

    private static func joined(_ entries: [Entry], folder: String) -> Entry {
        let sorted = entries.sorted {
            let trains = ($0.record.tool == "hl-train", $1.record.tool == "hl-train")
            return trains.0 == trains.1 ? $0.record.cost.seconds > $1.record.cost.seconds : trains.0
        }
        var record = sorted[0].record, cost = sorted[0].record.totalCost
        for entry in sorted.dropFirst() {
            let other = entry.record.totalCost
            cost.seconds = max(cost.seconds, other.seconds)
            cost.cpuSeconds += other.cpuSeconds
            guard var energy = cost.energy, let more = other.energy, energy.method == more.method else {
                cost.energy = nil
                cost.withoutEnergy = "it is not known of all programs"
                continue
            }
            energy.joules = energy.method == .measured ? max(energy.joules, more.joules) : energy.joules + more.joules
            cost.energy = energy
        }
        record.cost = cost
        record.earlier = []
        return Entry(path: folder, record: record)
    }
}
