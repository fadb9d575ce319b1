import HLTensor

/// Which samples of a labelled set are taken for something, by seed.
package enum SampleDraws {
    /// A share of the samples, of each class where each sample has one: at least one of every class that has two, and
    /// never all. Classes of one sample give none.
    ///
    /// - Returns: the rest and the share, each ascending.
    package static func split(_ targets: ClassTargets, share: Double, seed: UInt64) -> (rest: [Int], taken: [Int]) {
        precondition(share > 0 && share < 1)
        var taken = Set<Int>()
        for (group, samples) in groups(targets).enumerated() where samples.count > 1 {
            let wanted = min(max(1, Int((share * Double(samples.count)).rounded())), samples.count - 1)
            let order = Permutation(count: samples.count, seed: seed, purpose: .probeSplit, group: group)
            for place in order.elements(at: 0..<wanted) { taken.insert(samples[place]) }
        }
        return ((0..<targets.count).filter { !taken.contains($0) }, taken.sorted())
    }

    /// `shots` samples of every class that has any, all where it has fewer; ascending. More shots of one seed have those
    /// of fewer among them.
    package static func shots(_ labels: [Int32], classes: Int, shots: Int, seed: UInt64) -> [Int] {
        groups(.one(labels, count: classes)).enumerated().flatMap { group, samples in
            Permutation(count: samples.count, seed: seed, purpose: .probeShots, group: group)
                .elements(at: 0..<min(shots, samples.count)).map { samples[$0] }
        }.sorted()
    }

    /// The samples of each class, or all in one group where a sample may show several.
    private static func groups(_ targets: ClassTargets) -> [[Int]] {
        guard case .one(let labels, let classes) = targets else { return [Array(0..<targets.count)] }
        var groups = [[Int]](repeating: [], count: classes)
        for (index, label) in labels.enumerated() { groups[Int(label)].append(index) }
        return groups
    }
}
