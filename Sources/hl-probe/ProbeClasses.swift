import HLCommand
import HLEncoders
import HLGenerators
import HLTensor

/// The classes of all sets, numbered from 0 without gaps: by their names where the headers have them, since a class that
/// one of two folders lacks gives those behind it other labels there.
struct ProbeClasses {
    /// What to do with classes of the test set that there is no train sample of.
    enum Unmatched: String, CaseIterable {
        /// Their samples count as errors.
        case errors
        /// The sets are refused.
        case refuse
        /// Their samples are left out, and so are train samples of classes that the test set lacks.
        case leaveOut = "leave-out"
    }

    /// Classes of one set alone, by name, and what became of their samples.
    struct Strangers {
        let names: [String]
        /// Of train and test set, in this order.
        let samples: (train: Int, test: Int)
    }

    /// As it was asked for.
    let unmatched: Unmatched
    /// Name of each class, or its number where it has none.
    let names: [String]
    /// Of each set, in the order given.
    let targets: [ClassTargets]
    /// Rows of each set that are kept; nil keeps all.
    let kept: [[Int]?]
    /// Classes that have no partner; empty where all have one.
    let strangers: Strangers

    /// - Parameter sets: train, validation if there is one, test.
    /// - Throws: `Failure`: data where there is nothing to tell apart, incompatible where the labels of one set say
    ///   nothing about another.
    init(_ sets: [ProbeSet], unmatched: Unmatched) throws {
        self.unmatched = unmatched
        let match = try ClassNames(sets), labels = try sets.map { try match.numbers($0) }
        let learnt = Set(labels.dropLast().joined()), asked = Set(labels[labels.count - 1])
        try Self.requireTwo(Set(labels[0]))
        let unknown = asked.subtracting(learnt).sorted()
        if unknown.count == asked.count {
            throw Failure(.incompatible, "train and test set have no class in common", "use sets with the same labels")
        }
        let unasked = unmatched == .leaveOut ? learnt.subtracting(asked).sorted() : []
        let left = Set(unmatched == .leaveOut ? unknown + unasked : [])
        let names = (unknown + unasked).map { match.name($0) }
        func count(_ classes: [Int64], _ labels: [Int64]) -> Int {
            let wanted = Set(classes)
            return labels.count { wanted.contains($0) }
        }
        strangers = Strangers(
            names: names,
            samples: (count(unasked, Array(labels.dropLast().joined())), count(unknown, labels.last ?? [])))
        if let first = unknown.first, unmatched != .leaveOut {
            let what =
                "the train set lacks \(counted(unknown.count, "class", "classes")) of the test set, such as \(match.name(first))"
            if unmatched == .refuse {
                throw Failure(.incompatible, what, "give --unmatched leave-out, or errors to count them as such")
            }
            warn(what + ": their samples count as errors")
        } else if !left.isEmpty {
            Console.inform(
                "left out \(counted(left.count, "class", "classes")) that one set alone has, such as \(names[0]): "
                    + "\(strangers.samples.train) train and \(strangers.samples.test) test samples")
        }
        let rows = labels.map { $0.indices.filter { [labels = $0] in left.isEmpty || !left.contains(labels[$0]) } }
        if let empty = rows.firstIndex(where: \.isEmpty) {
            throw Failure(
                .data, "no sample of the \(sets[empty].role) set is left", "use sets with the same classes")
        }
        kept = left.isEmpty ? labels.map { _ in nil } : rows
        let all = learnt.union(asked).subtracting(left).sorted()
        if !left.isEmpty { try Self.requireTwo(Set(rows[0].map { labels[0][$0] })) }
        var numbers: [Int64: Int32] = [:]
        for (number, label) in all.enumerated() { numbers[label] = Int32(number) }
        self.names = all.map { match.name($0) }
        targets = zip(labels, rows).map { labels, rows in
            .one(rows.map { numbers[labels[$0]] ?? 0 }, count: all.count)
        }
    }

    /// Classes of sets whose samples may show several.
    /// - Throws: as `init(_:unmatched:)`.
    init(several sets: [ProbeSet], unmatched: Unmatched) throws {
        self.unmatched = unmatched
        var marks = sets.compactMap(\.marks)
        let names = sets.map { $0.header.classNames ?? [] }
        guard marks.count == sets.count, Set(marks.map(\.rowSize)).count == 1, Set(names).count == 1 else {
            throw Failure(
                .incompatible, "the sets mark different classes in y.all", "use sets with the same classes")
        }
        let width = marks[0].rowSize, own = names[0].count == width ? names[0] : (0..<width).map(String.init)
        let learnt = Set(
            sets.count > 2
                ? (ClassTargets.several(marks[0]) + .several(marks[1])).learnable
                : ClassTargets.several(marks[0]).learnable)
        guard !learnt.isEmpty else {
            throw Failure(
                .data, "no class of the train set has samples that show it and samples that do not",
                "use a set with both")
        }
        let shown = ClassTargets.several(marks[marks.count - 1]).samplesOfClasses
        let unknown = (0..<width).filter { !learnt.contains($0) && shown[$0] > 0 }
        strangers = Strangers(
            names: unknown.map { own[$0] }, samples: (0, unknown.reduce(0) { $0 + shown[$1] }))
        if let first = unknown.first {
            let what =
                "the train set has nothing to tell \(counted(unknown.count, "class", "classes")) of the test set by, such as "
                + own[first]
            switch unmatched {
            case .refuse: throw Failure(.incompatible, what, "give --unmatched leave-out, or errors to count them")
            case .errors: warn(what + ": they rank at random")
            case .leaveOut:
                Console.inform(
                    "left out \(counted(unknown.count, "class", "classes")) without train samples, such as \(own[first])"
                )
                marks[marks.count - 1] = Self.withoutColumns(unknown, marks[marks.count - 1])
            }
        }
        self.names = own
        targets = marks.map { .several($0) }
        kept = sets.map { _ in nil }
    }

    private static func withoutColumns(_ columns: [Int], _ marks: HostTensor) -> HostTensor {
        HostTensor(.u8, shape: marks.shape) { bytes in
            marks.withUnsafeBytes { bytes.copyMemory(from: $0) }
            for row in 0..<marks.rowCount {
                for column in columns { bytes[row * marks.rowSize + column] = 255 }
            }
        }
    }

    private static func requireTwo(_ classes: Set<Int64>) throws {
        guard classes.count > 1 else {
            throw Failure(.data, "the train set has one class only", "use a set with two or more")
        }
    }
}
