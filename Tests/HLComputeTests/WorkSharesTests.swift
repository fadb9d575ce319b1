import Glibc
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

    /// What came last comes first where that is asked for.
    @Test func backwards() {
        let shares = WorkShares(7, workers: 3, backwards: true)
        var order: [Int] = []
        while let task = shares.next(for: 1) { order.append(task) }
        #expect(order == [3, 2, 6, 5, 4, 1, 0])
    }

    /// A backend's parts cover everything once and are no smaller than asked.
    @Test(arguments: [1, 2, 5], [(0, 1), (1, 1), (7, 3), (100, 1), (100, 40), (64, 0)])
    func parts(_ threads: Int, _ work: (count: Int, grain: Int)) throws {
        let backend = try CPUBackend.plain(threads: threads), found = Mutex([Range<Int>]())
        backend.parallel(work.count, grain: work.grain) { part in found.withLock { $0.append(part) } }
        let parts = found.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
        #expect(parts.flatMap { Array($0) } == Array(0..<work.count))
        #expect(parts.allSatisfy { $0.count >= min(work.grain, work.count) && !$0.isEmpty })

        let workers = Mutex([Int]())
        backend.parallel(tasks: work.count) { worker, _ in workers.withLock { $0.append(worker) } }
        #expect(workers.withLock { $0.count == work.count && $0.allSatisfy { (0..<threads).contains($0) } })
    }

    /// What a worker has by its number, such as room for its lines, nobody else has meanwhile.
    @Test(arguments: [2, 5]) func workersByThemselves(_ threads: Int) throws {
        let backend = try CPUBackend.plain(threads: threads), busy = Mutex(Set<Int>()), met = Mutex(0)
        for _ in 0..<20 {
            backend.parallel(tasks: 3 * threads) { worker, _ in
                if !busy.withLock({ $0.insert(worker).inserted }) { met.withLock { $0 += 1 } }
                // Long enough for the others to come.
                usleep(200)
                _ = busy.withLock { $0.remove(worker) }
            }
        }
        #expect(met.withLock { $0 } == 0)
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
