import HLData
import HLEncoders
import HLTensor

/// What one classifier's scores are worth on a set, 0…1.
struct Measures {
    /// By name of the measure, as in JSON.
    let values: [(name: String, value: Double)]
    /// Of each class: the share of its samples that is right, or its average precision; nil where it has none.
    let perClass: [Double?]
    /// nil where samples may show several classes.
    let confusion: ConfusionMatrix?

    /// - Parameter scores: F32 [N, classes].
    init(scores: HostTensor, _ targets: ClassTargets) {
        switch targets {
        case .one(let labels, _): self.init(ProbeScore(scores: scores, labels: labels))
        case .several(let marks):
            self.init(RankingScore(scores: scores, shown: marks))
        }
    }

    init(_ score: RankingScore) {
        values = [("map11", score.mean)]
        (perClass, confusion) = (score.precisions, nil)
    }

    init(_ score: ProbeScore) {
        values = [("top1", score.top1), ("top5", score.top5), ("mean_per_class", score.meanPerClass)]
        (perClass, confusion) = (score.confusion.shares, score.confusion)
    }

    /// The value by which the set is reported; NaN where the measure is for other labels.
    func value(_ metric: ReportedMetric) -> Double {
        let name = Self.name(metric)
        return values.first { $0.name == name }?.value ?? .nan
    }

    /// The measure's name in JSON.
    static func name(_ metric: ReportedMetric) -> String {
        switch metric {
        case .top1: "top1"
        case .meanPerClass: "mean_per_class"
        case .map11: "map11"
        }
    }
}

/// By which measure a set is reported, and why.
struct ChosenMetric {
    let metric: ReportedMetric
    /// A kind of data set, `--metric`, or `default`.
    let reason: String

    /// Of samples of which one label counts.
    static let oneLabel = ChosenMetric(metric: .top1, reason: "one label a sample")

    private init(metric: ReportedMetric, reason: String) { (self.metric, self.reason) = (metric, reason) }

    /// What was asked for, else what the field reports on the test set.
    init(_ given: ReportedMetric?, test: ProbeSet) {
        let kind = test.kind.flatMap { name in Datasets.all.first { $0.name == name } }
        if let given {
            (metric, reason) = (given, "--metric")
        } else if let kind, kind.metric != .map11 {
            (metric, reason) = (kind.metric, kind.name)
        } else if test.marks != nil {
            (metric, reason) = (.map11, kind?.name ?? "y.all")
        } else {
            (metric, reason) = (.top1, kind.map { "\($0.name) with one label an image" } ?? "default")
        }
    }
}
