import HLCommand
import HLTensor

/// The classes of both sets, numbered from 0 without gaps.
struct ProbeClasses {
    let count: Int
    let train: [Int32]
    let test: [Int32]

    /// - Throws: `Failure` (data) where there is nothing to tell apart.
    init(_ train: ProbeSet, _ test: ProbeSet) throws {
        let (learnt, asked) = (Set(train.labels), Set(test.labels))
        guard learnt.count > 1 else {
            throw Failure(.data, "the train set has one class only", "use a set with two or more")
        }
        let unknown = asked.subtracting(learnt).sorted()
        if unknown.count == asked.count {
            throw Failure(.incompatible, "train and test set have no class in common", "use sets with the same labels")
        }
        if !unknown.isEmpty {
            warn(
                "the train set lacks \(unknown.count) classes of the test set, such as \(unknown[0]): "
                    + "their samples count as errors")
        }
        let all = learnt.union(asked).sorted()
        var numbers: [Int64: Int32] = [:]
        for (number, label) in all.enumerated() { numbers[label] = Int32(number) }
        count = all.count
        self.train = train.labels.map { numbers[$0] ?? 0 }
        self.test = test.labels.map { numbers[$0] ?? 0 }
    }
}
