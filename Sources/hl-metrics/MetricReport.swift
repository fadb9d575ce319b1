import Glibc
import HLCommand
import HLFormats
import HLStatistics

/// What was measured, as a table or as JSON.
struct MetricReport {
    let samples: EmbeddingStream
    let reference: EmbeddingStream?
    /// Whether features were divided by their deviations in the reference.
    let areStandard: Bool
    let subject: MetricSubject
    let results: [(metric: EmbeddingMetric, result: MetricResult)]
    let leftOut: [MetricPlan.Omission]

    // MARK: For people

    var table: String {
        let views = samples.views.count > 1 ? "view \(samples.view) of \(samples.views.count)" : "view \(samples.view)"
        var text = "\(samples.set.count) samples, \(subject.dimension) dimensions, \(views)"
        if let reference { text += "; reference: \(reference.set.count) samples of \(reference.name)" }
        text += "\nfeatures: \(space.text)"
        text += areStandard ? ", each divided by its standard deviation in the reference\n\n" : "\n\n"
        var table = TextTable(["metric", "value", "±", "samples from", "settings", "source"], words: [4, 5])
        for (metric, result) in results {
            for value in result.values {
                table.add([
                    value.name, Self.number(value.value), value.deviation.map(Self.number) ?? "",
                    String(metric.minimum(subject)), Self.settings(result.settings), metric.source,
                ])
            }
        }
        text += table.text()
        if !leftOut.isEmpty { text += "\n" }
        for omission in leftOut {
            text += "\(omission.metric.name) is left out: \(omission.what): \(omission.remedy)\n"
        }
        return text
    }

    /// The space of either stream that says it.
    private var space: EmbeddingSpace {
        samples.space.encoder == nil ? reference?.space ?? samples.space : samples.space
    }

    private static func settings(_ settings: JSONObject) -> String {
        settings.members.map { "\($0.key) \($0.value.string ?? $0.value.text)" }.joined(separator: ", ")
    }

    /// Six digits.
    private static func number(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return fixed(value, 1) }
        let magnitude = Int(log10(abs(value)).rounded(.down))
        guard (-6...15).contains(magnitude) else { return "\(Float(value))" }
        return fixed(value, min(max(5 - magnitude, 0), 12))
    }

    // MARK: For programs

    var json: JSONValue {
        var object: JSONObject = ["stream": Self.json(samples)]
        if let reference { object["reference"] = Self.json(reference) }
        object["dimension"] = .integer(Int64(subject.dimension))
        object["space"] = space.encoder ?? .null
        object["features"] = .string(areStandard ? "standard" : "raw")
        var metrics = JSONObject()
        for (metric, result) in results {
            for value in result.values {
                var entry: JSONObject = ["value": .number(value.value)]
                if let deviation = value.deviation { entry["std"] = .number(deviation) }
                for (key, setting) in result.settings.members { entry[key] = setting }
                entry["minimum_samples"] = .integer(Int64(metric.minimum(subject)))
                entry["source"] = .string(metric.source)
                metrics[value.name] = .object(entry)
            }
        }
        object["metrics"] = .object(metrics)
        object["left_out"] = .array(
            leftOut.map {
                ["metric": .string($0.metric.name), "reason": .string($0.what), "remedy": .string($0.remedy)]
            })
        return .object(object)
    }

    private static func json(_ stream: EmbeddingStream) -> JSONValue {
        [
            "name": .string(stream.name), "samples": .integer(Int64(stream.set.count)),
            "view": .integer(Int64(stream.view)),
            "views": .array(stream.views.map { .integer(Int64($0)) }),
        ]
    }
}
