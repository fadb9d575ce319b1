extension DeltaStatistics {
    /// How often chunk or group `first` moved less than `second`.
    package struct Ordering: Sendable, Equatable {
        package let first: Int
        package let second: Int
        /// Of the samples those with δ^first < δ^second; a tie does not count.
        package let below: Proportion

        package var count: Int { below.count }
        package var total: Int { below.total }
        package var share: Double { below.share }
    }

    /// Counts of ascending distances between rows (chunks or groups).
    struct OrderCounts: Sendable {
        /// Every first < second.
        private let pairs: [(first: Int, second: Int)]
        private var counts: [Int]
        private let rows: Int
        /// Samples whose distances ascend strictly from the first row to the last.
        private(set) var ascending = 0

        init(rows: Int) {
            self.rows = rows
            pairs = (0..<rows).flatMap { first in (first + 1..<rows).map { (first, $0) } }
            counts = Array(repeating: 0, count: pairs.count)
        }

        /// - Parameters:
        ///   - distances: row r of sample i at r · stride + i.
        ///   - samples: up to `blockSize`.
        mutating func add(_ distances: UnsafePointer<Double>, samples: Int, stride: Int) {
            for (number, pair) in pairs.enumerated() {
                let first = distances + pair.first * stride, second = distances + pair.second * stride
                var ordered = 0
                for i in 0..<samples { ordered += first[i] < second[i] ? 1 : 0 }
                counts[number] += ordered
            }
            guard rows > 1 else { return }
            for i in 0..<samples {
                var row = 1
                while row < rows && distances[(row - 1) * stride + i] < distances[row * stride + i] { row += 1 }
                ascending += row == rows ? 1 : 0
            }
        }

        func orderings(of names: [Int], total: Int) -> [Ordering] {
            zip(pairs, counts).map { pair, count in
                Ordering(
                    first: names[pair.first], second: names[pair.second], below: Proportion(count: count, total: total))
            }
        }
    }
}
