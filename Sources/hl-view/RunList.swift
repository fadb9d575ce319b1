import HLCommand
import HLFormats
import HLRecords

/// Runs as a table for people, or as JSON.
struct RunList {
    let runs: RunRecords
    /// Values that have a column each; nil shows the first ones of each run in one column.
    let values: [String]?

    /// Values of a run that stand in the one column.
    private static let shownMetrics = 3

    var table: String {
        let hasGrams = runs.entries.contains { $0.record.totalCost.grams != nil }
        var heading = ["run", "program", "status", "started (UTC)", "samples", "time", "CPU time", "energy"]
        if hasGrams { heading.append("CO2e") }
        heading += values ?? ["values"]
        var table = TextTable(heading, words: values == nil ? [1, 2, 3, heading.count - 1] : [1, 2, 3])
        for entry in runs.entries { table.add(row(entry, hasGrams: hasGrams)) }
        return table.text()
    }

    private func row(_ entry: RunRecords.Entry, hasGrams: Bool) -> [String] {
        let record = entry.record, cost = record.totalCost
        let started = RunDate.text(record.earlier.first?.started ?? record.started)
        var row = [
            entry.name, record.tool, record.state.rawValue,
            String(started.prefix(16)).replacing("T", with: " "),
            Progress.grouped(record.samples) + (record.total.map { $0 > record.samples } == true ? "+" : ""),
            Progress.duration(cost.seconds), Progress.duration(cost.cpuSeconds),
            cost.energy.map { CostText.energy($0.joules) + ($0.method == .estimated ? " est." : "") } ?? "-",
        ]
        if hasGrams { row.append(cost.grams.map(CostText.mass) ?? "-") }
        if let values {
            row += values.map { name in entry.value(name).map(Self.text) ?? "-" }
        } else {
            row.append(
                record.metrics.members.prefix(Self.shownMetrics).compactMap { key, value in
                    value.number.map { "\(key) \(CostText.digits($0))" }
                }.joined(separator: ", "))
        }
        return row
    }

    private static func text(_ value: RunValue) -> String {
        switch value {
        case .number(let number): CostText.digits(number)
        case .text(let text): text
        }
    }

    /// An array of records, each with its file and, where the run has several parts, the cost of all.
    var json: JSONValue {
        .array(
            runs.entries.map { entry in
                var object: JSONObject = ["record": .string(entry.path)]
                for (key, value) in entry.record.summary.object?.members ?? [] { object[key] = value }
                if !entry.record.earlier.isEmpty { object["total_cost"] = entry.record.totalCost.json }
                return .object(object)
            })
    }
}
