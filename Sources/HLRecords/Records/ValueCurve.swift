import HLFormats

/// A value over the course of a run, in at most `limit` points however long it is: once they are full, two neighbours
/// become one, their mean, and so does what follows.
package struct ValueCurve: Sendable, Equatable {
    package static let limit = 256

    package struct Point: Sendable, Equatable {
        /// Samples of the run up to there.
        package var samples: Int
        /// Seconds of the run up to there.
        package var seconds: Double
        package var value: Double

        package init(samples: Int, seconds: Double, value: Double) {
            self.samples = samples
            self.seconds = seconds
            self.value = value
        }
    }

    /// Values that a point is the mean of.
    package private(set) var span = 1
    private var full: [Point] = []
    /// The sum of the values since the last point, and their number.
    private var open: (sum: Point, count: Int)?

    package init() {}

    /// All points; the last one may be of fewer values.
    package var points: [Point] {
        guard let open else { return full }
        var last = open.sum
        last.value /= Double(open.count)
        return full + [last]
    }

    /// What is no number leaves no trace.
    package mutating func append(_ point: Point) {
        guard point.value.isFinite else { return }
        var next = (sum: point, count: 1)
        if let open {
            next = (
                Point(samples: point.samples, seconds: point.seconds, value: open.sum.value + point.value),
                open.count + 1
            )
        }
        open = next
        guard next.count >= span else { return }
        full = points
        open = nil
        if full.count >= Self.limit { halve() }
    }

    private mutating func halve() {
        full = stride(from: 0, to: full.count - 1, by: 2).map { index in
            var point = full[index + 1]
            point.value = (full[index].value + point.value) / 2
            return point
        }
        span *= 2
    }

    /// Forgets what lies behind so many samples, as a run that goes on from there does.
    package mutating func cut(after samples: Int) {
        full = points.filter { $0.samples <= samples }
        open = nil
    }

    package static func == (a: ValueCurve, b: ValueCurve) -> Bool { a.span == b.span && a.points == b.points }

    // MARK: JSON

    var json: JSONValue {
        let points = points
        return [
            "span": .integer(Int64(span)),
            "samples": .array(points.map { .integer(Int64($0.samples)) }),
            "seconds": .array(points.map { .number(($0.seconds * 10).rounded() / 10) }),
            "values": .array(points.map { .number(Double(Float($0.value).description) ?? $0.value) }),
        ]
    }

    /// nil for what is no curve, such as columns of different lengths.
    init?(_ json: JSONValue) {
        guard let samples = json["samples"]?.array?.compactMap(\.integer),
            let seconds = json["seconds"]?.array?.compactMap(\.number),
            let values = json["values"]?.array?.compactMap(\.number), samples.count == values.count,
            seconds.count == values.count
        else { return nil }
        span = max(1, Int(json["span"]?.integer ?? 1))
        full = values.indices.map { Point(samples: Int(samples[$0]), seconds: seconds[$0], value: values[$0]) }
    }
}
