import Glibc
import HLCommand
import HLEncoders
import HLFormats
import HLStatistics
import HLTensor

/// What a probe found and by which settings. Accuracies are in percent.
struct ProbeReport {
    /// Classifiers of one kind, a value for each seed.
    struct Row {
        let seeds: [UInt64]
        let measures: [Measures]

        /// The measures by name, in percent.
        var values: [(name: String, values: [Double])] {
            (measures.first?.values ?? []).map { name, _ in
                (name, measures.map { measure in 100 * (measure.values.first { $0.name == name }?.value ?? .nan) })
            }
        }
    }

    let recipe: ProbeRecipe
    let encoder: String?
    /// Labels that the encoder has been trained on, in words; nil where none are known of.
    let supervision: String?
    /// Train, validation if there is one, test.
    let sets: [ProbeSet]
    let dimension: Int
    let classes: ProbeClasses
    let metric: ChosenMetric
    /// All that the classifiers were made by.
    let settings: Settings
    let linear: Row
    /// The classifier of the first seed, of features as they are; nil where samples show several classes.
    let head: LinearHead?
    /// Of the recipe by regression.
    let fits: [RegressionRun.Result]
    /// Of a recipe that reports the best epoch.
    let epochs: [Int]?
    let shots: [(count: Int, row: Row, fits: [RegressionRun.Result])]
    let neighbours: (settings: NearestNeighbours, measures: Measures)?

    /// Settings for programs, and in words.
    struct Settings {
        let json: JSONObject
        let text: String
    }

    /// The counts of all seeds together; nil where samples show several classes.
    var confusion: ConfusionMatrix? {
        let matrices = linear.measures.compactMap(\.confusion)
        return matrices.dropFirst().reduce(matrices.first) { sum, next in sum.map { $0 + next } }
    }

    /// Whether each sample has one label.
    private var isSingle: Bool { linear.measures.contains { $0.confusion != nil } }

    /// A class's value in percent, the mean over the seeds; nil where it has no sample.
    func percent(_ label: Int) -> Double? {
        let values = linear.measures.compactMap { $0.perClass[label] }
        return values.isEmpty ? nil : 100 * values.reduce(0, +) / Double(values.count)
    }

    /// Test samples that show a class.
    var samplesOfClasses: [Int] { classes.targets[classes.targets.count - 1].samplesOfClasses }

    // MARK: For people

    func table(perClass: Bool) -> String {
        let counts = sets.map { "\($0.count) \($0.role)" }
        var text =
            counts.dropLast().joined(separator: ", ")
            + " and \(counts[counts.count - 1]) samples, \(dimension) dimensions, \(classes.names.count) classes\n"
        var rows = [[""] + linear.values.map { Self.title($0.name) } + [""]]
        let plural = linear.seeds.count == 1 ? "" : "s"
        rows.append(["linear"] + linear.values.map { Self.text($0.values) } + ["\(linear.seeds.count) seed\(plural)"])
        for (count, row, _) in shots {
            let interval = MeanInterval.student(
                row.values.first { $0.name == Measures.name(metric.metric) }?.values ?? [])
            let spread = interval.map { ", 95 % \(fixed($0.lowerBound, 2)) to \(fixed($0.upperBound, 2))" } ?? ""
            rows.append(
                ["\(count) shot\(count == 1 ? "" : "s")"] + row.values.map { Self.text($0.values) }
                    + ["\(row.seeds.count) draw\(row.seeds.count == 1 ? "" : "s")" + spread])
        }
        if let (settings, measures) = neighbours {
            rows.append(
                ["k-NN"] + measures.values.map { Self.text([100 * $0.value]) }
                    + ["k \(settings.k), temperature \(settings.temperature), cosine"])
        }
        text += Self.aligned(rows)
        text += "\(Self.title(Measures.name(metric.metric))) is what counts (\(metric.reason))\n"
        text += "recipe \(recipe.name): \(settings.text)\n"
        if let supervision { text += "the encoder was trained with \(supervision)\n" }
        for fit in fits { text += Self.text(fit) + "\n" }
        if perClass { text += "\n" + perClassTable }
        return text
    }

    private var perClassTable: String {
        let samples = samplesOfClasses
        var table = TextTable(["class", "test samples", isSingle ? "right %" : "average precision %"])
        for (label, name) in classes.names.enumerated() {
            table.add([name, "\(samples[label])", percent(label).map { fixed($0, 2) } ?? "-"])
        }
        return table.text()
    }

    private static func text(_ fit: RegressionRun.Result) -> String {
        let choice =
            fit.path.map { "the best of \($0.steps.count) on \(fit.validated) samples" } ?? "as given"
        return
            "seed \(fit.seed): penalty \(short(fit.fit.penalty)) (C \(short(1 / fit.fit.penalty))), \(choice); fitted on "
            + "\(fit.fitted), gradient \(short(fit.fit.gradientNorm)) after \(fit.fit.iterations) steps"
            + (fit.fit.end == .converged ? "" : ", not converged")
    }

    /// Four digits.
    static func short(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        let digits = value == 0 ? 0 : Int(log10(abs(value)).rounded(.down))
        let scale = pow(10, Double(3 - digits))
        let rounded = (value * scale).rounded() / scale
        return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
    }

    private static func title(_ name: String) -> String {
        switch name {
        case "top1": "top-1"
        case "top5": "top-5"
        case "mean_per_class": "mean per class"
        default: "11-point mAP"
        }
    }

    private static func aligned(_ rows: [[String]]) -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var joined = line.joined(separator: "  ")
            while joined.hasSuffix(" ") { joined.removeLast() }
            return joined + "\n"
        }.joined()
    }

    private static func text(_ values: [Double]) -> String {
        let (mean, deviation) = meanAndDeviation(values)
        return fixed(mean, 2) + (deviation.map { " ± " + fixed($0, 2) } ?? "")
    }
}
