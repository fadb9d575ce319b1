import HLCommand
import HLData
import HLFormats
import HLStatistics

/// What was found, as a table or as JSON.
struct PrecisionReport {
    let data: String
    let images: AnnotatedImages
    let rules: DetectionRules
    let average: PrecisionAverage
    /// In the order of the classes.
    let scores: [DetectionScore]

    /// Of those that have objects.
    private func mean(_ value: (DetectionScore) -> Double?) -> Double {
        let known = scores.compactMap(value)
        return known.reduce(0, +) / Double(known.count)
    }

    private static let columns: [(name: String, value: @Sendable (DetectionScore) -> Double?)] = [
        ("AP", \.mean), ("AP50", { $0.precisions?[0] }), ("AP75", { $0.precisions?[5] }),
    ]

    // MARK: For people

    var table: String {
        let year = images.year.map { " \($0)" } ?? ""
        var text = "VOC\(year), \(images.split): \(images.names.count) images; \(average.rawValue), "
        text += rules == .devkit ? "as the development kit\n\n" : "as \(rules.rawValue)\n\n"
        var table = TextTable(["class", "objects", "difficult", "detections"] + Self.columns.map(\.name))
        for (name, score) in zip(images.classes, scores) {
            table.add(
                [name, String(score.objects), String(score.difficult), String(score.detections)]
                    + Self.columns.map { $0.value(score).map { fixed(100 * $0, 2) } ?? "-" })
        }
        let sums = [\DetectionScore.objects, \.difficult, \.detections].map { key in
            String(scores.reduce(0) { $0 + $1[keyPath: key] })
        }
        table.add(["mean"] + sums + Self.columns.map { fixed(100 * mean($0.value), 2) })
        return text + table.text()
    }

    // MARK: For programs

    var json: JSONValue {
        var object: JSONObject = [
            "data": .string(data), "split": .string(images.split), "images": .integer(Int64(images.names.count)),
            "rules": .string(rules.rawValue), "average": .string(average.rawValue),
        ]
        for column in Self.columns { object[column.name] = .percent(100 * mean(column.value)) }
        object["thresholds"] = .array(DetectionScore.thresholds.map { .number($0) })
        let classes = zip(images.classes, scores).map { name, score in
            var entry: JSONObject = [
                "objects": .integer(Int64(score.objects)), "difficult": .integer(Int64(score.difficult)),
                "detections": .integer(Int64(score.detections)),
            ]
            for column in Self.columns { entry[column.name] = column.value(score).map { .percent(100 * $0) } ?? .null }
            entry["by_threshold"] = score.precisions.map { .array($0.map { .percent(100 * $0) }) } ?? .null
            return (key: name, value: JSONValue.object(entry))
        }
        object["classes"] = .object(JSONObject(uniqueMembers: classes))
        return .object(object)
    }
}
