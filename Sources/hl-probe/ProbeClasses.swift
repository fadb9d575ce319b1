import HLCommand
import HLGenerators
import HLTensor

/// The classes of both sets, numbered from 0 without gaps: by their names where the headers have them, since a class that
/// one of two folders lacks gives those behind it other labels there.
struct ProbeClasses {
    let count: Int
    let train: [Int32]
    let test: [Int32]

    /// - Throws: `Failure`: data where there is nothing to tell apart, incompatible where the labels of one set say
    ///   nothing about the other.
    init(_ train: ProbeSet, _ test: ProbeSet) throws {
        let names = try Self.names(train, test)
        let (trainLabels, testLabels) = (try Self.numbers(train, names), try Self.numbers(test, names))
        let (learnt, asked) = (Set(trainLabels), Set(testLabels))
        guard learnt.count > 1 else {
            throw Failure(.data, "the train set has one class only", "use a set with two or more")
        }
        let unknown = asked.subtracting(learnt).sorted()
        if unknown.count == asked.count {
            throw Failure(.incompatible, "train and test set have no class in common", "use sets with the same labels")
        }
        if let first = unknown.first {
            let name = names?.name(Int(first)) ?? String(first)
            warn(
                "the train set lacks \(unknown.count) classes of the test set, such as \(name): "
                    + "their samples count as errors")
        }
        let all = learnt.union(asked).sorted()
        var numbers: [Int64: Int32] = [:]
        for (number, label) in all.enumerated() { numbers[label] = Int32(number) }
        count = all.count
        self.train = trainLabels.map { numbers[$0] ?? 0 }
        self.test = testLabels.map { numbers[$0] ?? 0 }
    }

    /// Names of both sets and their numbers.
    private struct Names {
        var numbers: [String: Int64] = [:]
        private var all: [String] = []

        mutating func add(_ name: String) {
            if numbers[name] == nil {
                numbers[name] = Int64(all.count)
                all.append(name)
            }
        }

        func name(_ number: Int) -> String { all[number] }
    }

    /// nil where the labels themselves are what the sets have in common.
    private static func names(_ train: ProbeSet, _ test: ProbeSet) throws -> Names? {
        let (first, second) = (train.header.classNames, test.header.classNames)
        guard let first, let second else {
            if first == nil && second == nil { return nil }
            let (named, unnamed) = first == nil ? (test, train) : (train, test)
            throw Failure(
                .incompatible,
                "the header of the \(named.role) set names its classes and that of the \(unnamed.role) set does not, so "
                    + "that their labels cannot be matched",
                "write the names of the \(unnamed.role) set's classes into its hl.data, as hl-stream(5) tells")
        }
        var names = Names()
        for (list, set) in [(first, train), (second, test)] {
            if Set(list).count < list.count && first != second {
                throw Failure(
                    .incompatible,
                    "two classes of the \(set.role) set have one name, and those of the other set differ",
                    "give every class a name of its own")
            }
            // By number where both have the same list, whatever stands in it.
            if first != second { list.forEach { names.add($0) } }
        }
        return first == second ? nil : names
    }

    /// The labels of a set, by name where there are names.
    private static func numbers(_ set: ProbeSet, _ names: Names?) throws -> [Int64] {
        guard let names, let own = set.header.classNames else { return set.labels }
        let numbers = own.map { names.numbers[$0] ?? 0 }
        return try zip(set.labels, set.ids).map { label, id in
            guard numbers.indices.contains(Int(clamping: label)) else {
                throw Failure(
                    .data,
                    "sample \(id) of the \(set.role) set has the label \(label), and its header names "
                        + "\(own.count) classes", "write the names of all classes into hl.data")
            }
            return numbers[Int(label)]
        }
    }
}
