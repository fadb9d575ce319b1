import HLCompute
import HLTensor
import Synchronization
import Testing

/// Who has done his share takes from others, and nothing is done twice.
struct WorkSharesTests {
    /// One worker alone does his own tasks first, in order, and then those of others.
    @Test func leftovers() {
        let shares = WorkShares(7, workers: 3)
        var order: [Int] = []
        while let task = shares.next(for: 1) { order.append(task) }
        #expect(order == [2, 3, 4, 5, 6, 0, 1])
        for worker in 0..<3 { #expect(shares.next(for: worker) == nil) }
    }

    @Test(arguments: [(1, 1), (5, 8), (1_000, 4)]) func everyTaskOnce(_ count: Int, _ workers: Int) {
        let shares = WorkShares(count, workers: workers)
        let times = Mutex([Int](repeating: 0, count: count))
        inParallel(workers, parts: workers) { range in
            for worker in range {
                while let task = shares.next(for: worker) { times.withLock { $0[task] += 1 } }
            }
        }
        #expect(times.withLock { $0 } == Array(repeating: 1, count: count))
    }
}
