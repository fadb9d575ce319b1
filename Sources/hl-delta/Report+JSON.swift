import HLFormats
import HLStatistics
import HLViews

extension Report {
    var json: JSONValue {
        var object: JSONObject = [
            "samples": .integer(Int64(statistics.count)), "latent": .string(measurement.space.rawValue),
            "view": .integer(Int64(measurement.view)),
            "chunks": .array(
                zip(statistics.chunks.indices, statistics.perChunk).map {
                    Self.json($1, ["chunk": .integer(Int64($0))])
                }),
            "all": Self.json(statistics.together),
            "pairs": .array(statistics.orderings.map { Self.json($0) { .integer(Int64($0)) } }),
        ]
        if measurement.hasSeenLabels { object["generator_has_seen_labels"] = true }
        if !statistics.orderings.isEmpty { object["order"] = Self.json(statistics.wholeOrder) }
        if !statistics.groups.isEmpty {
            object["groups"] = .array(
                zip(statistics.groups, statistics.perGroup).map { Self.json($1, ["chunks": .string($0.text)]) })
            object["group_pairs"] = .array(
                statistics.groupOrderings.map { Self.json($0) { .string(statistics.groups[$0].text) } })
            if !statistics.groupOrderings.isEmpty { object["group_order"] = Self.json(statistics.wholeGroupOrder) }
        }
        if let boundary = measurement.boundary {
            // 1 less the share would have digits of the subtraction.
            let changed = boundary.changed
            object["labels_kept"] = .number(Double(changed.total - changed.count) / Double(changed.total))
            object["boundary"] = json(boundary)
        }
        return .object(object)
    }

    /// JSON has no infinity: null stands for it.
    private func json(_ boundary: BoundaryStatistics) -> JSONValue {
        let infinite = JSONValue.array(Self.fractions.map { _ in .null })
        return [
            "chunks": .array(
                (0..<measurement.shape.chunks).map { chunk in
                    let name: JSONObject = ["chunk": .integer(Int64(chunk))]
                    if chunk == boundary.chunk { return Self.json(boundary.distance, name) }
                    var object = name
                    for key in ["mean", "min", "max"] { object[key] = .null }
                    object["fractions"] = .array(Self.fractions.map { .number($0) })
                    object["quantiles"] = infinite
                    return .object(object)
                }),
            "beyond": Self.json(boundary.beyond), "label_changed": Self.json(boundary.changed),
        ]
    }

    static func json(_ proportion: Proportion, _ name: JSONObject = [:]) -> JSONValue {
        let interval = proportion.interval()
        var object = name
        object["count"] = .integer(Int64(proportion.count))
        object["share"] = .number(proportion.share)
        object["interval"] = [.number(interval.lowerBound), .number(interval.upperBound)]
        return .object(object)
    }

    private static func json(_ ordering: DeltaStatistics.Ordering, name: (Int) -> JSONValue) -> JSONValue {
        json(ordering.below, ["p": name(ordering.first), "q": name(ordering.second)])
    }

    /// - Parameter name: members in front of the numbers.
    static func json(_ d: StreamingDistribution, _ name: JSONObject = [:]) -> JSONValue {
        var object = name
        object["mean"] = .number(d.mean)
        object["std"] = .number(d.standardDeviation)
        object["standard_error"] = .number(d.standardError)
        object["min"] = .number(d.minimum)
        object["max"] = .number(d.maximum)
        object["fractions"] = .array(fractions.map { .number($0) })
        object["quantiles"] = .array(fractions.map { .number(d.quantile($0)) })
        return .object(object)
    }
}
