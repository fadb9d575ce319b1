import Glibc
import HLCompute
import HLTensor

/// Ranks that are threads of one process, for tests of everything but MPI.
package final class ThreadCommunicator: Communicator, @unchecked Sendable {
    // Unchecked: each is its own thread's; what they share is behind a lock.

    package let rank: Int
    package var count: Int { meeting.count }
    package var summary: String { "\(count) threads" }
    private let meeting: Meeting

    private init(_ rank: Int, in meeting: Meeting) {
        self.rank = rank
        self.meeting = meeting
    }

    /// Runs `body` as so many ranks.
    /// - Returns: what each of them returned.
    package static func run<Result: Sendable>(
        _ count: Int, _ body: @escaping @Sendable (any Communicator) throws -> Result
    ) throws -> [Result] {
        let meeting = Meeting(count)
        let results = Results<Result>(count)
        inThreads(count) { rank in
            results.set(rank, Swift.Result { try body(ThreadCommunicator(rank, in: meeting)) })
        }
        return try results.all.map { try $0.get() }
    }

    package func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
        precondition(all.count == own.count * count, "ranks bring as many bytes each")
        for (other, bytes) in meeting.exchange(Array(own), of: rank).enumerated() {
            precondition(bytes.count == own.count, "ranks bring as many bytes each")
            for (index, byte) in bytes.enumerated() { all[other * own.count + index] = byte }
        }
    }

    package func beginSum(_ values: UnsafeMutableBufferPointer<Float>, done: @escaping @Sendable () -> Void) {
        precondition(values.count % count == 0)
        var all = [Float](repeating: 0, count: values.count * count)
        all.withUnsafeMutableBytes { gather(UnsafeRawBufferPointer(values), into: $0) }
        for index in values.indices {
            values[index] = (1..<count).reduce(all[index]) { $0 + all[$1 * values.count + index] }
        }
        done()
    }

    package func finishSums() {}

    /// Where all ranks lay something down before anyone takes it.
    private final class Meeting: @unchecked Sendable {
        let count: Int
        private let barrier = UnsafeMutablePointer<pthread_barrier_t>.allocate(capacity: 1)
        private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private var laidDown: [[UInt8]]

        init(_ count: Int) {
            self.count = count
            laidDown = [[UInt8]](repeating: [], count: count)
            pthread_barrier_init(barrier, nil, UInt32(count))
            pthread_mutex_init(lock, nil)
        }

        deinit {
            pthread_barrier_destroy(barrier)
            pthread_mutex_destroy(lock)
            barrier.deallocate()
            lock.deallocate()
        }

        func exchange(_ bytes: [UInt8], of rank: Int) -> [[UInt8]] {
            pthread_mutex_lock(lock)
            laidDown[rank] = bytes
            pthread_mutex_unlock(lock)
            pthread_barrier_wait(barrier)
            pthread_mutex_lock(lock)
            let all = laidDown
            pthread_mutex_unlock(lock)
            pthread_barrier_wait(barrier)
            return all
        }
    }

    private final class Results<Result>: @unchecked Sendable {
        private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private var results: [Swift.Result<Result, any Error>?]

        init(_ count: Int) {
            results = Array(repeating: nil, count: count)
            pthread_mutex_init(lock, nil)
        }

        deinit {
            pthread_mutex_destroy(lock)
            lock.deallocate()
        }

        func set(_ rank: Int, _ result: Swift.Result<Result, any Error>) {
            pthread_mutex_lock(lock)
            results[rank] = result
            pthread_mutex_unlock(lock)
        }

        var all: [Swift.Result<Result, any Error>] { results.compactMap { $0 } }
    }
}

/// Runs `body` on threads of its own, all at once: they wait for each other, which queues of the system do not promise.
private func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let done = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    sem_init(done, 0, 0)
    nonisolated(unsafe) let semaphore = done
    for rank in 0..<count {
        do {
            try startThread {
                body(rank)
                sem_post(semaphore)
            }
        } catch {
            fatalError("\(error)")
        }
    }
    for _ in 0..<count { while sem_wait(done) != 0 {} }
    sem_destroy(done)
    done.deallocate()
}
