import CKernels
import CMPI
import Dispatch
import Glibc
import HLTensor
import Synchronization

/// MPI on a thread of its own, which alone calls the library: exchanges go on while the others compute.
///
/// Waiting for another rank never takes a core for long. Once all have found each other it never lasts for ever either: a
/// rank of this machine that is gone is noticed, and one of another machine the launcher notices.
package final class MPICommunicator: Communicator, @unchecked Sendable {
    // Unchecked: what both threads use is behind the mutex or an atomic; all else is the MPI thread's own.

    package let rank: Int
    package let count: Int
    package let summary: String
    private let incoming = Mutex<[ExchangeJob]>([])
    /// Signalled whenever there is something to do.
    private let work: DispatchSemaphore
    /// Signalled once for each sum that is there.
    private let summed = DispatchSemaphore(value: 0)
    private var sumsBegun = 0
    /// How many wait for what is being exchanged: only then is it looked at without a pause.
    private let waiting = Atomic<Int>(0)
    private let request = Atomic<Int32>(MPICommunicator.goOn)
    private let ended = DispatchSemaphore(value: 0)
    private let whenLost: @Sendable (_ rank: Int) -> Void
    /// The one that calls MPI.
    private let thread = pthread_self()

    /// What the MPI thread is to do, or else the status to abort with.
    private static let goOn: Int32 = -1, finish: Int32 = -2

    /// On the MPI thread.
    private init(
        _ start: Start, work: DispatchSemaphore, whenLost: @escaping @Sendable (_ rank: Int) -> Void
    ) {
        (rank, count, summary) = (start.rank, start.count, start.summary)
        self.work = work
        self.whenLost = whenLost
    }

    private struct Start: Sendable {
        var rank = 0
        var count = 0
        var summary = ""
        var error: String?
    }

    /// Joins the processes that the launcher has started with this one.
    /// - Parameter whenLost: called on a thread of its own where a rank is gone, before the job is ended.
    /// - Throws: `Failure`: software where there is no library; incompatible for one that belongs to another launcher, under
    ///   which each rank would be alone.
    package static func join(
        _ launcher: Launcher, whenLost: @escaping @Sendable (_ rank: Int) -> Void
    ) throws(Failure) -> MPICommunicator {
        let work = DispatchSemaphore(value: 0), started = DispatchSemaphore(value: 0)
        let result = Mutex<(start: Start, communicator: MPICommunicator?)>((Start(), nil))
        try startThread {
            var rank: Int32 = 0, count: Int32 = 0
            let error = hl_mpi_start(&rank, &count).map { String(cString: $0) }
            let start = Start(
                rank: Int(rank), count: Int(count), summary: String(cString: hl_mpi_description()), error: error)
            let communicator = error == nil ? MPICommunicator(start, work: work, whenLost: whenLost) : nil
            result.withLock { $0 = (start, communicator) }
            started.signal()
            communicator?.serve()
        }
        started.wait()
        let (start, communicator) = result.withLock { $0 }
        guard let communicator else {
            throw Failure(
                .software, "cannot load MPI (\(start.error ?? ""))",
                "install the library that \(launcher.variable) comes from, or name it in HL_MPI_LIBRARY")
        }
        guard start.count == launcher.count, start.rank == launcher.rank else {
            throw Failure(
                .incompatible,
                "\(launcher.variable) is \(launcher.count), and \(start.summary) knows of \(start.count) "
                    + "\(start.count == 1 ? "process" : "processes"): it does not belong to this launcher",
                "name the library that does in HL_MPI_LIBRARY, or start with that library's own mpirun")
        }
        communicator.endWithTheProcess()
        return communicator
    }

    // MARK: What the other thread asks for

    package func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
        precondition(all.count == own.count * count && own.count <= Int32.max)
        guard own.count > 0 else { return }
        let done = DispatchSemaphore(value: 0)
        waiting.add(1, ordering: .relaxed)
        enqueue(ExchangeJob(.gather(own, all)) { done.signal() })
        done.wait()
        waiting.subtract(1, ordering: .relaxed)
    }

    package func beginSum(_ values: UnsafeMutableBufferPointer<Float>, done: @escaping @Sendable () -> Void) {
        precondition(values.count % count == 0 && values.count / count * 4 <= Int32.max)
        sumsBegun += 1
        enqueue(
            ExchangeJob(.sum(values)) { [summed] in
                done()
                summed.signal()
            })
    }

    package func finishSums() {
        waiting.add(1, ordering: .relaxed)
        for _ in 0..<sumsBegun { summed.wait() }
        sumsBegun = 0
        waiting.subtract(1, ordering: .relaxed)
    }

    /// Leaves the other ranks, once all of them do. Nothing can be exchanged afterwards.
    package func leave() {
        // A rank that is gone is noticed here, not in MPI_Finalize.
        _ = gather([0 as UInt64])
        request.store(Self.finish, ordering: .releasing)
        work.signal()
        // Nothing is left to be exchanged. MPICH may wait for ranks that have left already, where its launcher was asked to
        // end, and for ever.
        _ = ended.wait(timeout: .now() + Self.patience)
    }

    /// Seconds that the library gets to end.
    private static let patience = 5.0

    private func enqueue(_ job: ExchangeJob) {
        incoming.withLock { $0.append(job) }
        work.signal()
    }

    // MARK: The end

    /// The one of this process.
    private static let current = Mutex<MPICommunicator?>(nil)

    /// A process that ends without leaving has failed: the others would wait for it for ever.
    private func endWithTheProcess() {
        Self.current.withLock { $0 = self }
        on_exit({ status, _ in MPICommunicator.current.withLock { $0 }?.abort(status) }, nil)
    }

    private func abort(_ status: Int32) {
        guard request.load(ordering: .acquiring) == Self.goOn else { return }
        let status = status == 0 ? Failure.Kind.software.rawValue : status
        if pthread_equal(pthread_self(), thread) != 0 { return hl_mpi_abort(status) }
        request.store(status, ordering: .releasing)
        work.signal()
        // The launcher ends this process too, or the exit goes on.
        _ = ended.wait(timeout: .now() + Self.patience)
    }

    // MARK: The MPI thread

    private func serve() {
        var watch = PeerWatch(self.count, self.rank) { self.gatherBeforeWork($0) }
        var lanes = [[ExchangeJob]](repeating: [], count: Int(HL_MPI_LANES))
        let scratch = Scratch()
        var idleSince: UInt64?
        while true {
            let requested = request.load(ordering: .acquiring)
            if requested == Self.finish {
                hl_mpi_finish()
                ended.signal()
                return
            }
            if requested != Self.goOn {
                hl_mpi_abort(requested)
                ended.signal()
                return
            }
            for job in takeIncoming() { lanes[job.lane].append(job) }
            guard lanes.contains(where: { !$0.isEmpty }) else {
                idleSince = nil
                work.wait()
                continue
            }
            var hasMoved = false
            for lane in lanes.indices where !lanes[lane].isEmpty {
                guard lanes[lane][0].advance(ranks: count, scratch) else { continue }
                lanes[lane].removeFirst().done()
                hasMoved = true
            }
            if hasMoved {
                idleSince = nil
                continue
            }
            let now = DispatchTime.now().uptimeNanoseconds, since = idleSince ?? now
            idleSince = since
            pause(after: now - since)
            if let lost = watch.lost(at: now, since: since) {
                whenLost(lost)
                hl_mpi_abort(Failure.Kind.resources.rawValue)
            }
        }
    }

    private func takeIncoming() -> [ExchangeJob] {
        incoming.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
    }

    /// Nanoseconds for which it is looked again at once where somebody waits.
    private static let eager: UInt64 = 200_000

    /// Between two looks at what goes on in vain.
    private func pause(after waited: UInt64) {
        if waiting.load(ordering: .relaxed) > 0 && waited < Self.eager {
            sched_yield()
        } else {
            usleep(waited < 20 * Self.eager ? 30 : 200)
        }
    }

    /// On the MPI thread itself, before it serves.
    private func gatherBeforeWork(_ words: [UInt64]) -> [[UInt64]] {
        var all = [UInt64](repeating: 0, count: count * words.count)
        words.withUnsafeBytes { own in
            all.withUnsafeMutableBytes { all in
                let job = ExchangeJob(.gather(own, all)) {}, scratch = Scratch()
                while !job.advance(ranks: count, scratch) {
                    let requested = request.load(ordering: .acquiring)
                    if requested > Self.goOn { hl_mpi_abort(requested) }
                    usleep(30)
                }
            }
        }
        return (0..<count).map { Array(all[$0 * words.count..<($0 + 1) * words.count]) }
    }
}
