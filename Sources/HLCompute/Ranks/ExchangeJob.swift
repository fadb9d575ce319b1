import CKernels
import CMPI
import Glibc
import HLTensor

/// What is exchanged, in one step or several. The MPI thread's own once it has begun.
final class ExchangeJob: @unchecked Sendable {
    // Unchecked: one thread makes it, and another one takes it over.

    enum Kind {
        case gather(UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer)
        case sum(UnsafeMutableBufferPointer<Float>)
    }

    private enum Stage { case waiting, gathering, transposing, over }

    private let kind: Kind
    let done: () -> Void
    private var stage = Stage.waiting
    private var exchange = hl_mpi_exchange()
    init(_ kind: Kind, done: @escaping () -> Void) {
        self.kind = kind
        self.done = done
    }

    /// Sums are long, and what somebody waits for overtakes them.
    var lane: Int {
        switch kind {
        case .gather: 0
        case .sum: 1
        }
    }

    /// Begins or goes on.
    /// - Parameter scratch: the same until it is over.
    /// - Returns: whether it is over.
    func advance(ranks: Int, _ scratch: Scratch) -> Bool {
        switch stage {
        case .waiting: begin(ranks, scratch)
        case .gathering, .transposing:
            let isDone = hl_mpi_is_done(&exchange)
            guard isDone >= 0 else { Self.fail() }
            if isDone == 0 { return false }
            if stage == .transposing { spread(ranks, scratch) } else { stage = .over }
        case .over: break
        }
        return stage == .over
    }

    private func begin(_ ranks: Int, _ scratch: Scratch) {
        switch kind {
        case .gather(let own, let all):
            stage = .gathering
            if hl_mpi_gather(Int32(lane), own.baseAddress, Int32(own.count), all.baseAddress, &exchange) != 0 {
                Self.fail()
            }
        case .sum(let values):
            guard values.count > 0 else {
                stage = .over
                return
            }
            // Rank r adds up part r, in rank order: as many bytes as in a ring, and the same bits whatever MPI does.
            stage = .transposing
            let size = Int32(values.count / ranks * 4), received = scratch.memory(values.count)
            if hl_mpi_transpose(Int32(lane), values.baseAddress, size, received, &exchange) != 0 { Self.fail() }
        }
    }

    /// Adds up what has come, and gives it to all.
    private func spread(_ ranks: Int, _ scratch: Scratch) {
        guard case .sum(let values) = kind else { return }
        let part = values.count / ranks, received = scratch.memory(values.count)
        for other in 1..<max(1, ranks) { hl_axpy(1, received + other * part, received, part) }
        stage = .gathering
        if hl_mpi_gather(Int32(lane), received, Int32(part * 4), values.baseAddress, &exchange) != 0 { Self.fail() }
    }

    /// By default MPI ends all ranks itself, with words of its own.
    private static func fail() -> Never {
        let status = Failure.Kind.software.rawValue
        hl_mpi_abort(status)
        // Where it has come back after all.
        _exit(status)
    }
}

/// Memory for what comes from the other ranks, of one sum at a time; buckets are the same in every step.
final class Scratch {
    private var memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: 1)

    deinit { memory.deallocate() }

    /// Room for so many values, the same as the last time where that was no less.
    func memory(_ count: Int) -> UnsafeMutablePointer<Float> {
        if memory.count < count {
            memory.deallocate()
            memory = .allocate(capacity: count)
        }
        guard let start = memory.baseAddress else { preconditionFailure("memory without an address") }
        return start
    }
}
