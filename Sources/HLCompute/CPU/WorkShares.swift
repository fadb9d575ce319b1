import Synchronization

/// Tasks in equal shares, one per worker. Who has done his own takes what others have left: a thread that the system holds up
/// does not hold up all.
///
/// Who does a task must not matter to what it makes.
package final class WorkShares: @unchecked Sendable {
    private let count, workers: Int
    private let backwards: Bool
    /// How many tasks of each share were taken, or tried to be.
    private let taken: UnsafeMutablePointer<Atomic<Int>>

    /// - Parameters:
    ///   - count: of tasks, which are numbered from 0.
    ///   - workers: numbered too.
    ///   - backwards: whether a share's last task comes first.
    package init(_ count: Int, workers: Int, backwards: Bool = false) {
        (self.count, self.workers, self.backwards) = (count, workers, backwards)
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
            let tasks = count * share / workers..<count * (share + 1) / workers
            let number = taken[share].add(1, ordering: .relaxed).oldValue
            if number < tasks.count { return backwards ? tasks.upperBound - 1 - number : tasks.lowerBound + number }
        }
        return nil
    }
}
