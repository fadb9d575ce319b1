import Foundation
import HLTensor
import Testing

/// The network as ``Permutation`` describes it, one element at a time.
private func naive(_ element: Int, count: Int, seed: UInt64, purpose: RandomPurpose, group: Int, epoch: Int) -> Int {
    let key = RandomKey(seed: seed, purpose: purpose, group: group, epoch: epoch)
    var numbers = key.sequence(id: -1), x = element
    for round in 0..<40 {
        let pairing = Int(numbers.next().multipliedFullWidth(by: UInt64(count)).high)
        let partner = pairing >= x ? pairing - x : pairing - x + count
        var words = key.sequence(id: Int64(max(x, partner)))
        for _ in 0..<round / 32 { _ = words.nextWord() }
        if words.nextWord() >> UInt32(round % 32) & 1 == 1 { x = partner }
    }
    return x
}

/// χ² of counts that should be equal.
private func chiSquared(_ counts: some Collection<Int>) -> Double {
    let expected = Double(counts.reduce(0, +)) / Double(counts.count)
    return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
}

/// Whether χ² is within 4.5 standard deviations of what it should be, by the cube root that is nearly normal (Wilson and
/// Hilferty 1931).
private func isLikely(_ chiSquared: Double, degrees: Int) -> Bool {
    let variance = 2 / (9 * Double(degrees))
    return abs(pow(chiSquared / Double(degrees), 1 / 3) - (1 - variance)) < 4.5 * variance.squareRoot()
}

/// χ² of an n × n table of which every key fills one cell per row and column, as a permutation does. The cells of a row
/// exclude each other, which takes 1/n off the variance: times (n - 1)/n it has (n - 1)² degrees of freedom.
private func isLikely(table: [Int], side n: Int) -> Bool {
    isLikely(chiSquared(table) * Double(n - 1) / Double(n), degrees: (n - 1) * (n - 1))
}

struct PermutationTests {
    @Test(arguments: Array(0...70) + [127, 128, 129, 1000, 1023, 1024, 1025, 4096, 10_007])
    func everyElementHasOnePlace(count: Int) {
        for epoch in 0..<3 {
            let permutation = Permutation(count: count, seed: 7, purpose: .shuffle, epoch: epoch)
            let order = permutation.elements(at: 0..<count)
            #expect(order.sorted() == Array(0..<count))
            #expect(permutation.positions(of: order) == Array(0..<count))
            for position in stride(from: 0, to: count, by: max(1, count / 10)) {
                #expect(permutation[position] == order[position])
                #expect(permutation.position(of: order[position]) == position)
            }
            let every = stride(from: 1, to: count, by: 3)
            #expect(permutation.elements(at: every) == every.map { order[$0] })
        }
    }

    @Test(arguments: [1, 2, 3, 10, 1000, 1 << 31, (1 << 32) + 15, (1 << 62) - 57, 1 << 62])
    func thatIsTheNetworkOfThePaper(count: Int) {
        var random = RandomKey(seed: 2, purpose: .mixing).sequence(id: 0)
        let positions = [0, count - 1] + (0..<50).map { _ in Int.random(in: 0..<count, using: &random) }
        for (purpose, group, epoch) in [(RandomPurpose.shuffle, 0, 0), (.probeOrder, 0, 3), (.keyOrder, 2, 1 << 31)] {
            let permutation = Permutation(count: count, seed: 5, purpose: purpose, group: group, epoch: epoch)
            let elements = permutation.elements(at: positions)
            #expect(
                elements
                    == positions.map {
                        naive($0, count: count, seed: 5, purpose: purpose, group: group, epoch: epoch)
                    })
            #expect(permutation.positions(of: elements) == positions)
        }
    }

    /// No version may change an order: a run that was stopped by one is resumed by another.
    @Test func ordersAreThoseOfTheFirstVersion() {
        func order(_ count: Int, seed: UInt64, _ purpose: RandomPurpose, group: Int = 0, epoch: Int = 0) -> Permutation
        {
            Permutation(count: count, seed: seed, purpose: purpose, group: group, epoch: epoch)
        }
        #expect(order(10, seed: 0, .shuffle).elements(at: 0..<10) == [9, 6, 0, 5, 3, 1, 7, 8, 2, 4])
        #expect(order(10, seed: 0, .trainingOrder).elements(at: 0..<10) == [3, 4, 7, 2, 8, 9, 6, 5, 0, 1])
        #expect(order(10, seed: 0, .probeOrder, epoch: 1).elements(at: 0..<10) == [1, 4, 5, 2, 3, 0, 7, 6, 8, 9])
        #expect(
            order(10, seed: 1 << 40, .keyOrder, group: 1).elements(at: 0..<10) == [7, 6, 1, 3, 0, 2, 5, 9, 8, 4])
        #expect(
            order(1_000_000, seed: 3, .shuffle, epoch: 59).elements(at: 0..<5)
                == [335_510, 518_455, 217_740, 482_086, 218_051])
        #expect(order(1 << 62, seed: 3, .shuffle)[1 << 61] == 2_557_892_004_943_300_285)
    }

    /// Whatever the bits and pairings, as long as they are uniform: the exact distance of the distribution over all orders
    /// from the uniform one.
    @Test(arguments: 2...7) func roundsSuffice(count: Int) {
        var orders = [Array(0..<count)], ranks = [orders[0]: 0], next = 0
        while next < orders.count {
            for i in 0..<count - 1 {
                var other = orders[next]
                other.swapAt(i, i + 1)
                if ranks[other] == nil {
                    ranks[other] = orders.count
                    orders.append(other)
                }
            }
            next += 1
        }
        // Each pairing with each choice of its pairs is a permutation of elements, by which an order goes to another.
        var moves: [(weight: Double, targets: [Int])] = []
        for pairing in 0..<count {
            let partner = (0..<count).map { (pairing - $0 + count) % count }
            let pairs = (0..<count).filter { $0 > partner[$0] }
            for choice in 0..<1 << pairs.count {
                var image = Array(0..<count)
                for (bit, x) in pairs.enumerated() where choice >> bit & 1 == 1 { image.swapAt(x, partner[x]) }
                moves.append((1 / Double(count << pairs.count), orders.map { ranks[$0.map { image[$0] }]! }))
            }
        }
        var chances = [Double](repeating: 0, count: orders.count)
        chances[0] = 1
        for _ in 0..<Permutation.rounds {
            var moved = [Double](repeating: 0, count: orders.count)
            for (weight, targets) in moves {
                for (rank, target) in targets.enumerated() { moved[target] += weight * chances[rank] }
            }
            chances = moved
        }
        let distance = chances.reduce(0) { $0 + abs($1 - 1 / Double(orders.count)) } / 2
        #expect(distance < 6e-9)
    }

    @Test func allOrdersOfFourAreEquallyFrequent() {
        var counts: [[Int]: Int] = [:]
        for seed in 0..<48_000 {
            let order = Permutation(count: 4, seed: UInt64(seed), purpose: .shuffle).elements(at: 0..<4)
            counts[order, default: 0] += 1
        }
        #expect(counts.count == 24)
        #expect(isLikely(chiSquared(counts.values), degrees: 23))
    }

    @Test(arguments: [2, 3, 5, 10, 16, 17, 50]) func everyElementIsEverywhereEquallyOften(count: Int) {
        var table = [Int](repeating: 0, count: count * count)
        for epoch in 0..<20_000 {
            let permutation = Permutation(count: count, seed: 1, purpose: .trainingOrder, epoch: epoch)
            for (position, element) in permutation.elements(at: 0..<count).enumerated() {
                table[position * count + element] += 1
            }
        }
        #expect(isLikely(table: table, side: count))
    }

    /// Two neighbours are any two elements, in either order.
    @Test(arguments: [3, 10, 16]) func neighboursKnowNothingOfEachOther(count: Int) {
        var pairs = [Int](repeating: 0, count: count * count)
        for seed in 0..<40_000 {
            let order = Permutation(count: count, seed: UInt64(seed), purpose: .probeOrder).elements(at: 1...2)
            pairs[order[0] * count + order[1]] += 1
        }
        let different = pairs.indices.filter { $0 / count != $0 % count }.map { pairs[$0] }
        #expect(different.reduce(0, +) == 40_000)
        #expect(isLikely(chiSquared(different), degrees: different.count - 1))
    }

    /// Elements that were neighbours stay so in 2 of `count` places on average, as in a uniform shuffle.
    @Test func largeOrdersKeepNoNeighbours() {
        var kept = 0
        for seed in 0..<20 {
            let order = Permutation(count: 50_000, seed: UInt64(seed), purpose: .shuffle).elements(at: 0..<50_000)
            kept += zip(order, order.dropFirst()).count { abs($0 - $1) == 1 }
        }
        // A Poisson number of mean 40, within five standard deviations.
        #expect(abs(kept - 40) < 32)
    }

    enum Neighbour: CaseIterable { case epoch, group, seed, purpose, count }

    /// Where an element is in one order says nothing of where it is in the next.
    @Test(arguments: Neighbour.allCases) func neighbouringOrdersShareNothing(_ neighbour: Neighbour) {
        func pair(_ number: Int, count: Int) -> [Permutation] {
            (number...number + 1).map {
                Permutation(
                    count: count + (neighbour == .count ? $0 - number : 0),
                    seed: neighbour == .seed ? UInt64($0) : UInt64(number) << 32,
                    purpose: neighbour == .purpose && $0 > number ? .trainingOrder : .shuffle,
                    group: neighbour == .group ? $0 : 0, epoch: neighbour == .epoch ? $0 : 0)
            }
        }
        if neighbour != .count {
            let count = 10
            var table = [Int](repeating: 0, count: count * count)
            for number in stride(from: 0, to: 40_000, by: 2) {
                let orders = pair(number, count: count)
                for (position, element) in orders[0].elements(at: 0..<count).enumerated() {
                    table[position * count + orders[1].position(of: element)] += 1
                }
            }
            #expect(isLikely(table: table, side: count))
        }

        let large = 100_000
        let elements = pair(4, count: large).map { order in
            order.elements(at: 0..<large).map { Double($0) - Double(order.count - 1) / 2 }
        }
        let variance = (Double(large) * Double(large) - 1) / 12
        let correlation = zip(elements[0], elements[1]).reduce(0) { $0 + $1.0 * $1.1 } / Double(large) / variance
        #expect(abs(correlation) < 5 / Double(large).squareRoot())
    }
}
