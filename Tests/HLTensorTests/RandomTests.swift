import CKernels
import HLTensor
import Testing

private func philox(key: (UInt32, UInt32), counter: [UInt32]) -> [UInt32] {
    var block = counter
    hl_philox4x32(key.0, key.1, &block)
    return block
}

/// Pearson's r of uniform numbers from two keys, over `count` ids and four words each.
private func correlation(_ a: RandomKey, _ b: RandomKey, count: Int = 25_000) -> Double {
    var sums = (a: 0.0, b: 0.0, aa: 0.0, bb: 0.0, ab: 0.0)
    for id in 0..<count {
        var first = a.sequence(id: Int64(id)), second = b.sequence(id: Int64(id))
        for _ in 0..<4 {
            let x = Double(first.uniform()) - 0.5, y = Double(second.uniform()) - 0.5
            sums.a += x
            sums.b += y
            sums.aa += x * x
            sums.bb += y * y
            sums.ab += x * y
        }
    }
    let n = Double(4 * count)
    let covariance = sums.ab / n - sums.a / n * sums.b / n
    let variances = (sums.aa / n - sums.a / n * sums.a / n) * (sums.bb / n - sums.b / n * sums.b / n)
    return covariance / variances.squareRoot()
}

struct RandomTests {
    /// The known answers of philox4x32-10 in Random123 (kat_vectors).
    @Test func philoxGivesThePublishedAnswers() {
        #expect(philox(key: (0, 0), counter: [0, 0, 0, 0]) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
        #expect(
            philox(key: (.max, .max), counter: [.max, .max, .max, .max])
                == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
        #expect(
            philox(
                key: (0xa409_3822, 0x299f_31d0), counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344])
                == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
    }

    @Test func sequencesFollowTheDocumentedCounter() {
        let key = RandomKey(seed: 0x1234_5678_9abc_def0, purpose: .shuffle, view: 3, group: 2, epoch: 5)
        let keyBlock = philox(key: (0x9abc_def0, 0x1234_5678), counter: [RandomPurpose.shuffle.rawValue, 3, 2, 5])
        #expect([key.low, key.high] == Array(keyBlock.prefix(2)))

        let id: Int64 = 0x7_0000_0009
        var sequence = key.sequence(id: id)
        let words = (0..<10).map { _ in sequence.nextWord() }
        let expected = (0..<3).flatMap { philox(key: (key.low, key.high), counter: [$0, 0, 9, 7]) }
        #expect(words == Array(expected.prefix(10)))
    }

    @Test func bulkWordsAreTheSequences() {
        let key = RandomKey(seed: 9, purpose: .anchor)
        let ids: [Int64] = [0, 1, 77, 1 << 33, -1, .max, .min]
        for perSample in [1, 3, 4, 5, 8, 1030] {
            var words = [UInt32](repeating: 0, count: ids.count * perSample)
            hl_random_words(key.low, key.high, ids, ids.count, perSample, &words)
            for (row, id) in ids.enumerated() {
                var sequence = key.sequence(id: id)
                let expected = (0..<perSample).map { _ in sequence.nextWord() }
                #expect(Array(words[row * perSample..<(row + 1) * perSample]) == expected)
            }
        }
    }

    @Test func sequencesRepeat() {
        let key = RandomKey(seed: 1, purpose: .augmentation)
        var first = key.sequence(id: 5), second = RandomKey(seed: 1, purpose: .augmentation).sequence(id: 5)
        for _ in 0..<50 { #expect(first.next() == second.next()) }
        var other = key.sequence(id: 6)
        #expect(first.next() != other.next())
    }

    @Test func uniformsFillTheirInterval() {
        var sequence = RandomKey(seed: 3, purpose: .initialisation).sequence(id: 0)
        var smallest = Float.infinity, largest = -Float.infinity, sum = 0.0
        let count = 100_000
        for _ in 0..<count {
            let value = sequence.uniform(-2, 6)
            smallest = min(smallest, value)
            largest = max(largest, value)
            sum += Double(value)
        }
        #expect(smallest >= -2 && smallest < -1.99)
        #expect(largest < 6 && largest > 5.99)
        // Five standard errors of the mean of U(-2, 6).
        #expect(abs(sum / Double(count) - 2) < 5 * 8 / (12 * Double(count)).squareRoot())
    }

    @Test func purposesSeedsViewsGroupsAndEpochsShareNothing() {
        var keys = RandomPurpose.allCases.map { RandomKey(seed: 0, purpose: $0) }
        keys.append(RandomKey(seed: 1, purpose: .anchor))
        keys.append(RandomKey(seed: 1 << 32, purpose: .anchor))
        keys.append(RandomKey(seed: 0, purpose: .anchor, view: 1))
        keys.append(RandomKey(seed: 0, purpose: .anchor, group: 1))
        keys.append(RandomKey(seed: 0, purpose: .anchor, epoch: 1))
        #expect(Set(keys).count == keys.count)
        for key in keys.dropFirst() {
            #expect(abs(correlation(keys[0], key)) < 5 / 100_000.0.squareRoot())
        }
        #expect(correlation(keys[0], keys[0], count: 100) > 0.999)
    }
}
