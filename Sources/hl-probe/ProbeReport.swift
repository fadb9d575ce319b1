import HLEncoders
import HLFormats

/// What a probe found, as a table or as JSON. Accuracies are in percent.
struct ProbeReport {
    let train: ProbeSet
    let test: ProbeSet
    let dimension: Int
    let classes: Int
    let encoder: String?
    let scaling: FeatureScaling
    let passes: String
    let probe: LinearProbe
    let seeds: [UInt64]
    let linear: [ProbeScore]
    let neighbours: NearestNeighbours
    let nearest: ProbeScore

    private var top1: [Double] { linear.map { 100 * $0.top1 } }
    private var top5: [Double] { linear.map { 100 * $0.top5 } }

    // MARK: For people

    var table: String {
        let rows = [
            ["", "top-1", "top-5", ""],
            ["linear", Self.text(top1), Self.text(top5), "\(seeds.count) seed\(seeds.count == 1 ? "" : "s")"],
            [
                "k-NN", Self.text([100 * nearest.top1]), Self.text([100 * nearest.top5]),
                "k \(neighbours.k), temperature \(neighbours.temperature)",
            ],
        ]
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = "\(train.count) train and \(test.count) test samples, \(dimension) dimensions, \(classes) classes\n"
        for row in rows {
            let line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var joined = line.joined(separator: "  ")
            while joined.hasSuffix(" ") { joined.removeLast() }
            text += joined + "\n"
        }
        return text
    }

    private static func text(_ values: [Double]) -> String {
        let (mean, deviation) = meanAndDeviation(values)
        return fixed(mean, 2) + (deviation.map { " ± " + fixed($0, 2) } ?? "")
    }

    // MARK: For programs

    var json: String {
        let settings: JSONValue = [
            "learning_rate": .float(probe.learningRate), "epochs": .integer(Int64(probe.epochs)),
            "batch": .integer(Int64(probe.batchSize)), "momentum": .float(probe.momentum),
            "schedule": "cosine per step", "features": .string(scaling.rawValue), "train_images": .string(passes),
        ]
        let value: JSONValue = [
            "encoder": encoder.map { .string($0) } ?? .null,
            "train": Self.json(train), "test": Self.json(test),
            "dimension": .integer(Int64(dimension)), "classes": .integer(Int64(classes)),
            "linear": [
                "settings": settings,
                "seeds": .array(seeds.map { .seed($0) }),
                "top1": Self.json(top1), "top5": Self.json(top5),
            ],
            "knn": [
                "k": .integer(Int64(neighbours.k)), "temperature": .number(neighbours.temperature),
                "top1": .percent(100 * nearest.top1), "top5": .percent(100 * nearest.top5),
            ],
        ]
        return value.indentedText + "\n"
    }

    private static func json(_ set: ProbeSet) -> JSONValue {
        var object: JSONObject = ["source": SampleOrigin(set.header).json.source]
        var seeds: [JSONValue] = []
        for seed in set.segments.map({ SampleOrigin($0.header).json.seed }) where !seeds.contains(seed) {
            seeds.append(seed)
        }
        // A list where streams of several seeds were joined.
        object["seed"] = seeds.count == 1 ? seeds[0] : .array(seeds)
        object["samples"] = .integer(Int64(set.count))
        if let text = set.header.metadata["hl.encoder"], let value = try? JSONValue(parsing: text, name: "hl.encoder") {
            object["encoder"] = value
        }
        return .object(object)
    }

    /// Values in the order of the seeds, and their mean and sample standard deviation.
    private static func json(_ values: [Double]) -> JSONValue {
        let (mean, deviation) = meanAndDeviation(values)
        return [
            "values": .array(values.map { .percent($0) }), "mean": .percent(mean),
            "std": deviation.map { .percent($0) } ?? .null,
        ]
    }
}
