import ArgumentParser
import HLCommand
import HLCompute
import HLFormats
import HLTensor

/// The processes that train together with this one, as mpirun or srun has started them, and what they agree on between
/// steps: what happens to one concerns all.
///
/// Rank 0 writes and speaks. A process that ends without `leave` ends all of them.
final class ProcessGroup {
    private let communicator: MPICommunicator
    var rank: Int { communicator.rank }
    var count: Int { communicator.count }
    var isFirst: Bool { rank == 0 }

    private init(_ communicator: MPICommunicator) { self.communicator = communicator }

    /// - Returns: nil where this process is alone, or is to train by itself; then no MPI is loaded.
    /// - Throws: `Failure`, as `MPICommunicator.join`.
    static func join() throws -> ProcessGroup? {
        guard let launcher = try Launcher.ofSeveral() else { return nil }
        Console.speak(asRank: launcher.rank)
        let communicator = try MPICommunicator.join(launcher) { rank in
            endTool(
                after: Failure(
                    .resources, "rank \(rank) is gone", "see what it has said, and go on with --resume"))
        }
        Console.note("\(communicator.count) ranks, \(communicator.summary)")
        return ProcessGroup(communicator)
    }

    /// Exchanges of a backend's tensors, between backends of one kind.
    /// - Throws: `Failure` (incompatible) where they are not: others would wait for what never comes.
    func ranks(on backend: any Backend) throws -> any Ranks {
        try requireSame(backend)
        return backend.ranks(over: communicator)
    }

    // MARK: What they tell each other

    /// What has become of a rank before a step.
    enum State: UInt64 {
        case ready, interrupted, failed
    }

    struct Word {
        var state = State.ready
        /// The signal, or the exit status.
        var detail: Int32 = 0
        /// Whether the step's end is to be saved: that of rank 0 counts.
        var wantsCheckpoint = false
    }

    /// The words of all ranks, in rank order.
    func tell(_ word: Word) -> [Word] {
        communicator.gather([
            word.state.rawValue, UInt64(UInt32(bitPattern: word.detail)), word.wantsCheckpoint ? 1 : 0,
        ])
        .map {
            Word(
                state: State(rawValue: $0[0]) ?? .failed, detail: Int32(truncatingIfNeeded: $0[1]),
                wantsCheckpoint: $0[2] != 0)
        }
    }

    /// The words of all ranks, rank by rank.
    func gather(_ words: [UInt64]) -> [[UInt64]] { communicator.gather(words) }

    /// Rank 0's.
    func ofFirst(_ number: Double?) -> Double? {
        let first = communicator.gather([number == nil ? 0 : 1, (number ?? 0).bitPattern])[0]
        return first[0] == 0 ? nil : Double(bitPattern: first[1])
    }

    /// What they have of a sequence that they take in turns.
    var turns: any Communicator { communicator }

    /// Returns when all have come here.
    func wait() { _ = communicator.gather([0 as UInt64]) }

    /// The first rank whose word is not that of rank 0; nil where all agree.
    func other(than word: UInt64) -> Int? {
        let words = communicator.gather([word]).map { $0[0] }
        return words.firstIndex { $0 != words[0] }
    }

    /// The first two ranks that have the same word; nil where all are different.
    func same(_ word: UInt64) -> (Int, Int)? {
        let words = communicator.gather([word]).map { $0[0] }
        for (second, word) in words.enumerated() {
            if let first = words[..<second].firstIndex(of: word) { return (first, second) }
        }
        return nil
    }

    // MARK: The end

    /// Leaves the others, once all of them do.
    func leave() { communicator.leave() }

    /// What every rank throws for a failure that all of them have found: the first one says it.
    func common(_ failure: Failure) -> any Error {
        leave()
        return isFirst ? failure : ExitCode(failure.kind.rawValue)
    }
}
