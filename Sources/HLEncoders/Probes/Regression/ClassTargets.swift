import HLTensor

/// What a classifier has to say of each sample.
package enum ClassTargets: Sendable {
    /// One class a sample, below `count`.
    case one([Int32], count: Int)
    /// Any number of classes a sample, U8 [N, classes]: 1 shown, 0 not, 255 leaves the sample out of the class.
    case several(HostTensor)

    /// Samples.
    package var count: Int {
        switch self {
        case .one(let labels, _): labels.count
        case .several(let shown): shown.rowCount
        }
    }

    /// Classes, whether samples show them or not.
    package var classes: Int {
        switch self {
        case .one(_, let count): count
        case .several(let shown): shown.rowSize
        }
    }

    /// Those of the samples `indices`, in that order.
    package func gather(_ indices: [Int]) -> ClassTargets {
        switch self {
        case .one(let labels, let count): .one(indices.map { labels[$0] }, count: count)
        case .several(let shown): .several(shown.gather(indices))
        }
    }

    /// Those of both, of the same classes.
    package static func + (a: ClassTargets, b: ClassTargets) -> ClassTargets {
        switch (a, b) {
        case (.one(let first, let count), .one(let second, _)): return .one(first + second, count: count)
        case (.several(let first), .several(let second)): return .several(HostTensor.concatenate([first, second]))
        default: preconditionFailure("one label and several do not join")
        }
    }

    /// Samples that show each class.
    package var samplesOfClasses: [Int] {
        var counts = [Int](repeating: 0, count: classes)
        switch self {
        case .one(let labels, _): for label in labels { counts[Int(label)] += 1 }
        case .several: forEachMark { if $1 == 1 { counts[$0] += 1 } }
        }
        return counts
    }

    /// Classes that there is something to learn of: some samples show them and, where a sample shows several, some not.
    package var learnable: [Int] {
        let shown = samplesOfClasses
        guard case .several = self else { return (0..<classes).filter { shown[$0] > 0 } }
        var absent = [Int](repeating: 0, count: classes)
        forEachMark { if $1 == 0 { absent[$0] += 1 } }
        return (0..<classes).filter { shown[$0] > 0 && absent[$0] > 0 }
    }

    private func forEachMark(_ body: (_ label: Int, _ mark: UInt8) -> Void) {
        guard case .several(let shown) = self else { return }
        shown.withUnsafeElements(as: UInt8.self) { marks in
            for index in marks.indices { body(index % shown.rowSize, marks[index]) }
        }
    }
}

/// Features with what a classifier has to say of them.
package struct TargetedFeatures: Sendable {
    /// F32 [N, d].
    package let features: HostTensor
    /// Of N samples.
    package let targets: ClassTargets

    package init(features: HostTensor, targets: ClassTargets) {
        precondition(features.type == .f32 && features.shape.count == 2 && features.rowCount == targets.count)
        self.features = features
        self.targets = targets
    }

    /// The samples `indices`, in that order.
    package func gather(_ indices: [Int]) -> TargetedFeatures {
        TargetedFeatures(features: features.gather(indices), targets: targets.gather(indices))
    }

    package static func + (a: TargetedFeatures, b: TargetedFeatures) -> TargetedFeatures {
        TargetedFeatures(
            features: HostTensor.concatenate([a.features, b.features]), targets: a.targets + b.targets)
    }
}
