import HLEncoders
import HLFormats
import HLStatistics

/// The report for programs.
extension ProbeReport {
    var json: String { JSONValue.object(object).indentedText + "\n" }

    var object: JSONObject {
        var object: JSONObject = ["recipe": .string(recipe.name), "encoder": encoder.map { .string($0) } ?? .null]
        object["supervision"] = supervision.map { .string($0) }
        for set in sets { object[set.role] = Self.json(set) }
        object["dimension"] = .integer(Int64(dimension))
        object["classes"] = .integer(Int64(classes.names.count))
        object["unmatched"] = [
            "option": .string(classes.unmatched.rawValue),
            "classes": .array(classes.strangers.names.map { .string($0) }),
            "train_samples": .integer(Int64(classes.strangers.samples.train)),
            "test_samples": .integer(Int64(classes.strangers.samples.test)),
        ]
        object["metric"] = [
            "name": .string(Measures.name(metric.metric)), "from": .string(metric.reason),
        ]
        var linear: JSONObject = [
            "settings": .object(settings.json), "seeds": .array(self.linear.seeds.map { .seed($0) }),
        ]
        linear["score"] = Self.json(self.linear.values.first { $0.name == Measures.name(metric.metric) }?.values ?? [])
        for (name, values) in self.linear.values { linear[name] = Self.json(values) }
        if let epochs { linear["reported_epochs"] = .array(epochs.map { .integer(Int64($0)) }) }
        if !fits.isEmpty { linear["fits"] = .array(fits.map { Self.json($0, withPath: true) }) }
        object["linear"] = .object(linear)
        if !shots.isEmpty { object["shots"] = .array(shots.map { json($0.count, $0.row, $0.fits) }) }
        object["knn"] = neighbours.map { Self.json($0.settings, $0.measures) } ?? .null
        object["per_class"] = perClass
        if let confusion {
            object["confusion"] = confusion.classes <= Self.largestMatrix ? Self.json(confusion) : .null
        }
        return object
    }

    /// Classes of the largest confusion matrix that stands in JSON; --confusion writes any.
    private static let largestMatrix = 100

    private var perClass: JSONValue {
        let samples = samplesOfClasses, key = confusion == nil ? "average_precision" : "accuracy"
        return .array(
            classes.names.enumerated().map { label, name in
                var object: JSONObject = ["class": .string(name), "samples": .integer(Int64(samples[label]))]
                object[key] = percent(label).map { .percent($0) } ?? .null
                return .object(object)
            })
    }

    private func json(_ count: Int, _ row: Row, _ fits: [RegressionRun.Result]) -> JSONValue {
        var object: JSONObject = ["shots": .integer(Int64(count)), "seeds": .array(row.seeds.map { .seed($0) })]
        let score = row.values.first { $0.name == Measures.name(metric.metric) }?.values ?? []
        object["score"] = Self.json(score, withInterval: true)
        for (name, values) in row.values { object[name] = Self.json(values, withInterval: true) }
        object["fits"] = .array(fits.map { Self.json($0, withPath: false) })
        return .object(object)
    }

    private static func json(_ settings: NearestNeighbours, _ measures: Measures) -> JSONValue {
        var object: JSONObject = [
            "k": .integer(Int64(settings.k)), "temperature": .number(settings.temperature), "similarity": "cosine",
        ]
        for (name, value) in measures.values { object[name] = .percent(100 * value) }
        return .object(object)
    }

    private static func json(_ result: RegressionRun.Result, withPath: Bool) -> JSONValue {
        var object: JSONObject = ["seed": .seed(result.seed)]
        for (key, value) in json(result.fit).members { object[key] = value }
        object["fitted_samples"] = .integer(Int64(result.fitted))
        object["validation_samples"] = .integer(Int64(result.validated))
        if let path = result.path {
            let chosen = path.steps.first { $0.fit.penalty == path.penalty }
            object["validation_score"] = chosen.map { .percent(100 * $0.score) } ?? .null
            if withPath {
                object["path"] = .array(
                    path.steps.map { step in
                        var entry = json(step.fit)
                        entry["validation_score"] = .percent(100 * step.score)
                        return .object(entry)
                    })
            }
        }
        return .object(object)
    }

    private static func json(_ fit: LogisticFit) -> JSONObject {
        [
            "penalty": .number(fit.penalty), "C": .number(1 / fit.penalty), "objective": .number(fit.objective),
            "gradient_norm": .number(fit.gradientNorm), "iterations": .integer(Int64(fit.iterations)),
            "evaluations": .integer(Int64(fit.evaluations)), "end": .string(fit.end.rawValue),
        ]
    }

    /// Rows are true classes in the order of `per_class`, columns the classes that they were taken for.
    private static func json(_ confusion: ConfusionMatrix) -> JSONValue {
        .array(
            (0..<confusion.classes).map { label in
                .array((0..<confusion.classes).map { .integer(Int64(confusion[label, $0])) })
            })
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
        if let encoder = try? set.header.statedEncoder() { object["encoder"] = encoder.json }
        return .object(object)
    }

    /// Values in the order of the seeds, their mean and sample standard deviation, and Student's interval.
    private static func json(_ values: [Double], withInterval: Bool = false) -> JSONValue {
        let (mean, deviation) = meanAndDeviation(values)
        var object: JSONObject = [
            "values": .array(values.map { .percent($0) }), "mean": .percent(mean),
            "std": deviation.map { .percent($0) } ?? .null,
        ]
        if withInterval {
            let interval = MeanInterval.student(values)
            object["interval95"] = interval.map { [.percent($0.lowerBound), .percent($0.upperBound)] } ?? .null
        }
        return .object(object)
    }
}
