import ArgumentParser
import HLFormats

/// A condition on what a training logs that ends it, such as `eval_knn>=80` or `spread<0.1`.
struct StopCondition: Equatable {
    /// Of the value, as in the log.
    let name: String
    let relation: Relation
    let bound: Double

    enum Relation: String, CaseIterable {
        // Longer ones first: each is looked for as it stands here.
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"
    }

    init?(_ text: String) {
        for relation in Relation.allCases {
            guard let range = text.firstRange(of: relation.rawValue) else { continue }
            let name = text[..<range.lowerBound], number = text[range.upperBound...]
            guard !name.isEmpty, let bound = Double(number), bound.isFinite else { return nil }
            (self.name, self.relation, self.bound) = (String(name), relation, bound)
            return
        }
        return nil
    }

    /// The value that fulfils it; nil where an entry has none or one that does not.
    func fulfilled(by entry: JSONObject) -> Double? {
        guard let value = entry[name]?.number else { return nil }
        let holds =
            switch relation {
            case .atLeast: value >= bound
            case .atMost: value <= bound
            case .above: value > bound
            case .below: value < bound
            }
        return holds ? value : nil
    }

    var text: String { "\(name)\(relation.rawValue)\(bound)" }
}

extension StopCondition: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}
