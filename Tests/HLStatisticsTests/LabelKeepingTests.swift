import HLStatistics
import HLTensor
import TestSupport
import Testing

/// Classes that are kept, against counts by brute force.
struct LabelKeepingTests {
    private let anchors = (0..<97).map { ($0 * $0 + $0 / 5) % 4 }
    private let views = [
        (0..<97).map { ($0 * 3 + $0 / 7) % 4 }, (0..<97).map { $0 % 10 == 0 ? 2 : ($0 * $0 + $0 / 5) % 4 },
    ]
    private let keeping: LabelKeeping

    init() {
        var keeping = LabelKeeping(classes: 5, views: 2)
        for range in [0..<1, 1..<60, 60..<97] {
            let views = views
            keeping.add(
                anchors: Array(anchors[range]),
                views: views.map { (Array($0[range]), range.map { Double($0) / 100 }) })
        }
        self.keeping = keeping
    }

    @Test func shares() {
        #expect(keeping.total == 97 && keeping.counts.count == 5 && keeping.counts[4] == 0)
        for (number, view) in views.enumerated() {
            let kept = zip(anchors, view).filter { $0 == $1 }.count
            #expect(keeping.kept(number) == Proportion(count: kept, total: 97))
            // Every anchor with the view of every anchor.
            var alike = 0
            for anchor in anchors { alike += view.filter { $0 == anchor }.count }
            #expect(abs(keeping.independent(number) - Double(alike) / 97 / 97) < 1e-12)
            #expect(keeping.views[number].counts == (0..<5).map { label in view.filter { $0 == label }.count })
            #expect(abs(keeping.views[number].change.mean - 0.48) < 1e-12)
        }
        var alike = 0
        for (place, anchor) in anchors.enumerated() {
            for (other, label) in anchors.enumerated() where other != place { alike += label == anchor ? 1 : 0 }
        }
        #expect(abs(keeping.chance - Double(alike) / (97 * 96)) < 1e-12)
    }

    /// The interval has about the width that the estimate spreads by over many draws of anchors, and holds its own value.
    @Test func intervalOfChance() throws {
        let shares = [0.5, 0.2, 0.2, 0.1], count = 400, exact = 0.34
        var inside = 0
        for draw in 0..<500 {
            var random = RandomKey(seed: 5, purpose: .anchor).sequence(id: Int64(draw))
            let labels = (0..<count).map { _ -> Int in
                let value = Double(random.uniform())
                return value < shares[0] ? 0 : value < 0.7 ? 1 : value < 0.9 ? 2 : 3
            }
            var keeping = LabelKeeping(classes: 4, views: 0)
            keeping.add(anchors: labels, views: [])
            #expect(keeping.chanceInterval.contains(keeping.chance))
            inside += keeping.chanceInterval.contains(exact) ? 1 : 0
        }
        // 95 % of 500 draws, within four standard deviations.
        #expect((455...494).contains(inside), "\(inside)")
        let one = LabelKeeping(classes: 2, views: 0)
        #expect(one.chance.isNaN && one.chanceInterval == 0...1)
    }

    @Test func changeOfPixels() {
        let a: [UInt8] = [0, 255, 10, 20, 30, 40], b: [UInt8] = [255, 0, 10, 21, 28, 40]
        func tensor(_ values: [UInt8]) -> HostTensor {
            HostTensor(.u8, shape: [2, 3, 1, 1]) { $0.copyBytes(from: values) }
        }
        let bytes = LabelKeeping.change(from: tensor(a), to: tensor(b))
        #expect(abs(bytes[0] - 2 / 3.0) < 1e-12 && abs(bytes[1] - 3 / 255.0 / 3) < 1e-12)
        let floats = LabelKeeping.change(
            from: HostTensor(a.map { Float($0) / 255 }, shape: [2, 3, 1, 1]),
            to: HostTensor(b.map { Float($0) / 255 }, shape: [2, 3, 1, 1]))
        for (x, y) in zip(bytes, floats) { #expect(abs(x - y) < 1e-6) }
    }
}
