import Synchronization

/// Tasks in equal shares, one per worker. Who has done his own takes what others have left: a thread that the system holds up
/// does not hold up all.
///
/// A worker begins with the same tasks every time, whose data may still be in his cache. Who does a task must not matter to
/// what it makes.
package final class WorkShares: @unchecked Sendable {
    private let count, workers: Int
    /// How many tasks of each share were taken, or tried to be.
    private let taken: UnsafeMutablePointer<Atomic<Int>>

    /// - Parameters:
    ///   - count: of tasks, which are numbered from 0.
    ///   - workers: numbered too.
    package init(_ count: Int, workers: Int) {
        (self.count, self.workers) = (count, workers)
        taken = .allocate(capacity: workers)
        for worker in 0..<workers { (taken + worker).initialize(to: Atomic(0)) }
    }

    deinit {
        taken.deinitialize(count: workers)
        taken.deallocate()
    }

    /// The next task for a worker; nil where all are taken.
    package func next(for worker: Int) -> Int? {
        for distance in 0..<workers {
            let share = (worker + distance) % workers
            let task = count * share / workers + taken[share].add(1, ordering: .relaxed).oldValue
            if task < count * (share + 1) / workers { return task }
        }
        return nil
    }
}
