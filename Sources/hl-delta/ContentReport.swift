import HLCommand
import HLFormats
import HLStatistics

/// What hl-delta prints with --classifier.
struct ContentReport {
    let measurement: ContentMeasurement
    /// The classifier's file.
    let classifier: String
    let test: ClassifierTest?
    private var keeping: LabelKeeping { measurement.keeping }

    init(_ measurement: ContentMeasurement, classifier: String, test: ClassifierTest?) {
        self.measurement = measurement
        self.classifier = classifier
        self.test = test
    }

    private var unit: String { measurement.isMapped ? "layers" : "chunks" }

    // MARK: For people

    var text: String {
        var table = TextTable(
            ["view", unit, "by", "kept %", "95% from", "to", "by chance %", "|Δx|", "std", "δ", "std"], words: [1, 2])
        for (number, view) in measurement.views.enumerated() {
            let kept = keeping.kept(number), interval = kept.interval(), change = keeping.views[number].change
            let delta = measurement.deltas[number]?.together
            table.add([
                String(view), measurement.moved(number) ?? "-", measurement.movers[number], fixed(100 * kept.share, 2),
                fixed(100 * interval.lowerBound, 2), fixed(100 * interval.upperBound, 2),
                fixed(100 * keeping.independent(number), 2), fixed(change.mean, 4), fixed(change.standardDeviation, 4),
                delta.map { fixed($0.mean, 3) } ?? "-", delta.map { fixed($0.standardDeviation, 3) } ?? "-",
            ])
        }
        let chance = keeping.chanceInterval
        let common = keeping.counts.enumerated().sorted { ($1.element, $0.offset) < ($0.element, $1.offset) }
        let classes = common.prefix(10).map {
            "\(measurement.className($0.offset)) \(fixed(100 * Double($0.element) / Double(keeping.total), 1))"
        }
        return "Views of \(keeping.total) anchors that keep their class, as \(classifier) tells it\n"
            + (measurement.hasSeenLabels ? Report.labelsSeen + "\n" : "") + "\n" + table.text()
            + "\nTwo anchors are of one class in \(fixed(100 * keeping.chance, 2)) % (95 % interval "
            + "\(fixed(100 * chance.lowerBound, 2)) to \(fixed(100 * chance.upperBound, 2)))\n"
            + "Classes of the anchors, percent: \(classes.joined(separator: ", "))"
            + (common.count > 10 ? ", ..." : "") + "\n" + testText
    }

    private var testText: String {
        guard let test else { return "" }
        let interval = test.right.interval()
        return
            "The classifier is wrong on \(fixed(100 * (1 - test.right.share), 2)) % of the \(test.right.total) images of "
            + "\(test.name) (95 % interval \(fixed(100 * (1 - interval.upperBound), 2)) to "
            + "\(fixed(100 * (1 - interval.lowerBound), 2)))\n"
    }

    // MARK: For programs

    var json: JSONValue {
        let chance = keeping.chanceInterval
        var object: JSONObject = [
            "samples": .integer(Int64(keeping.total)), "latent": measurement.isMapped ? "w" : "z",
            "classifier": .string(classifier),
            "chance": [
                "share": .number(keeping.chance),
                "interval": [.number(chance.lowerBound), .number(chance.upperBound)],
            ],
            "classes": .array(
                keeping.counts.enumerated().map {
                    ["class": .string(measurement.className($0)), "anchors": .integer(Int64($1))]
                }),
        ]
        if measurement.hasSeenLabels { object["generator_has_seen_labels"] = true }
        object["test"] =
            test.map { test in
                var entry = Report.json(test.right).object ?? JSONObject()
                entry["images"] = .integer(Int64(test.right.total))
                return .object(entry)
            } ?? .null
        object["views"] = .array(
            measurement.views.enumerated().map { number, view in
                [
                    "view": .integer(Int64(view)), "chunks": measurement.moved(number).map { .string($0) } ?? .null,
                    "by": .string(measurement.movers[number]), "kept": Report.json(keeping.kept(number)),
                    "independent": .number(keeping.independent(number)),
                    "change": Report.json(keeping.views[number].change),
                    "delta": measurement.deltas[number].map { Report.json($0.together) } ?? .null,
                    "classes": .array(keeping.views[number].counts.map { .integer(Int64($0)) }),
                ]
            })
        return .object(object)
    }
}
