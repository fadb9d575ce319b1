import HLFormats
import HLTensor

/// A metric of embeddings: what it is called, what it needs and how it is computed. `EmbeddingMetrics` lists them.
package struct EmbeddingMetric: Sendable {
    /// As on the command line.
    package let name: String
    /// What it says, in a few words.
    package let title: String
    /// Authors, venue and year of the definition.
    package let source: String
    package let needs: EmbeddingNeeds
    /// Whether it is between a set and a reference.
    package let comparesSets: Bool
    /// Options of the command line that only metrics which name them listen to.
    package var options: [String] = []
    /// Pairs of samples that are looked at, by what for: those of metrics with one of these names in common are looked at
    /// once.
    package var pairs: @Sendable (MetricSubject) -> [String: Int] = { _ in [:] }
    /// The least number of samples, of each set, for which the value means what the paper says.
    package let minimum: @Sendable (MetricSubject) -> Int
    /// Whether it can be computed there.
    package let verdict: @Sendable (MetricSubject) -> MetricVerdict
    /// - Throws: `Failure`, as for embeddings that are all the same; whatever the backend throws.
    package let measure: @Sendable (MetricInputs) throws -> MetricResult
}

/// What is known before a metric is computed.
package struct MetricSubject: Sendable {
    /// d.
    package let dimension: Int
    package let samples: Int
    /// Views of each sample.
    package let views: Int
    /// Samples of the reference, where there is one.
    package let referenceSamples: Int?
    package let options: MetricOptions

    package init(dimension: Int, samples: Int, views: Int, referenceSamples: Int?, options: MetricOptions) {
        self.dimension = dimension
        self.samples = samples
        self.views = views
        self.referenceSamples = referenceSamples
        self.options = options
    }

    /// Pairs of so many samples.
    static func pairs(of count: Int) -> Int { count * (count - 1) / 2 }

    /// Pairs of the samples of both sets.
    var allPairs: Int { Self.pairs(of: samples + (referenceSamples ?? 0)) }

    /// What metrics by nearest neighbours look at.
    var neighbourPairs: [String: Int] { ["neighbours": allPairs] }

    /// Of the smaller set.
    var fewestSamples: Int { min(samples, referenceSamples ?? samples) }
}

/// Whether a metric can be computed.
package enum MetricVerdict: Sendable, Equatable {
    case fine
    /// It can, and the reader should know why it may mislead.
    case doubtful(String)
    /// It cannot: why, and the way out.
    case impossible(String, remedy: String)
    /// It is about something that the stream does not have: what, and where to get it.
    case absent(String, remedy: String)

    /// Whether there are k other samples in each set.
    static func neighbours(_ k: Int, of what: String, in subject: MetricSubject) -> MetricVerdict {
        if subject.fewestSamples > k { return .fine }
        return .impossible(
            "\(what) by neighbour \(k) need more than \(k) samples of each set, and one has \(subject.fewestSamples)",
            remedy: "embed more samples, or give a smaller -k")
    }
}

/// Numbers of one metric.
package struct MetricResult: Sendable {
    /// A number and what it is called in reports.
    package struct Value: Sendable {
        package let name: String
        package let value: Double
        /// Standard deviation, of what is a mean over draws.
        package let deviation: Double?

        package init(_ name: String, _ value: Double, deviation: Double? = nil) {
            self.name = name
            self.value = value
            self.deviation = deviation
        }
    }

    package let values: [Value]
    /// Constants of the definition and what was chosen, for reports.
    package let settings: JSONObject

    package init(_ values: [Value], settings: JSONObject) {
        self.values = values
        self.settings = settings
    }
}
