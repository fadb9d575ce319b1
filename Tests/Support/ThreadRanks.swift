import Glibc
import HLCompute
import HLTensor
import Synchronization

/// Ranks that are threads of one process, for tests of everything but MPI.
package final class ThreadCommunicator: Communicator, @unchecked Sendable {
    // Unchecked: each is its own thread's; what they share is behind a lock.

    package let rank: Int
    package var count: Int { meeting.count }
    package var summary: String { "\(count) threads" }
    private let meeting: Meeting
    /// Sums that have begun. They are made when they are asked for, so that nobody gets on without asking.
    private var begun: [(values: UnsafeMutableBufferPointer<Float>, done: @Sendable () -> Void)] = []

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
        let results = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: count))
        inThreads(count) { rank in
            let result = Swift.Result { try body(ThreadCommunicator(rank, in: meeting)) }
            // Others may wait for it.
            if case .failure = result { meeting.dissolve() }
            results.withLock { $0[rank] = result }
        }
        return try results.withLock { $0 }.compactMap { $0 }.map { try $0.get() }
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
        begun.append((values, done))
    }

    package func finishSums() {
        for (values, done) in begun {
            var all = [Float](repeating: 0, count: values.count * count)
            all.withUnsafeMutableBytes { gather(UnsafeRawBufferPointer(values), into: $0) }
            for index in values.indices {
                values[index] = (1..<count).reduce(all[index]) { $0 + all[$1 * values.count + index] }
            }
            done()
        }
        begun = []
    }

    /// Where all ranks lay something down before anyone takes it.
    private final class Meeting: @unchecked Sendable {
        // Unchecked: everything below is touched only under `lock`.
        let count: Int
        private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let change = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private var laidDown: [[UInt8]]
        private var taken: [[UInt8]] = []
        private var present = 0
        private var round = 0
        private var isDissolved = false

        init(_ count: Int) {
            self.count = count
            laidDown = [[UInt8]](repeating: [], count: count)
            pthread_mutex_init(lock, nil)
            pthread_cond_init(change, nil)
        }

        deinit {
            pthread_cond_destroy(change)
            pthread_mutex_destroy(lock)
            change.deallocate()
            lock.deallocate()
        }

        /// Nobody waits any more: a rank has failed, and what the others get is their own.
        func dissolve() {
            pthread_mutex_lock(lock)
            isDissolved = true
            pthread_cond_broadcast(change)
            pthread_mutex_unlock(lock)
        }

        func exchange(_ bytes: [UInt8], of rank: Int) -> [[UInt8]] {
            pthread_mutex_lock(lock)
            defer { pthread_mutex_unlock(lock) }
            let own = round
            laidDown[rank] = bytes
            present += 1
            if present == count {
                // The last one opens the next round; nobody can end that before all have taken what lies here.
                (taken, present, round) = (laidDown, 0, round + 1)
                pthread_cond_broadcast(change)
            }
            while round == own && !isDissolved { pthread_cond_wait(change, lock) }
            return round == own ? [[UInt8]](repeating: bytes, count: count) : taken
        }
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
