/// The processes that train one network together, with what they exchange of a backend's tensors.
///
/// Like the operations of a backend, exchanges are enqueued in program order, which is the same on all ranks, and an error
/// waits with the backend. On a processor it is MPI that carries them from host memory (`CPURanks`); a device may carry
/// them by a library of its own, whose ranks find each other by the communicator.
package protocol Ranks: AnyObject {
    /// What connects the processes.
    var communicator: any Communicator { get }

    /// The rows of all ranks, in rank order, [ranks · B, …] of [B, …], F32, U8 or I32; every rank has as many.
    func gatherRows(_ x: Tensor) -> Tensor

    /// Begins to add up tensors F32 over the ranks, each in its place, and returns at once. They may not be used before
    /// `finishSums` has returned.
    func beginSum(_ tensors: [Tensor])

    /// What has begun is done when what is enqueued next needs it.
    func finishSums()
}

extension Ranks {
    /// The place of this process, from 0.
    package var rank: Int { communicator.rank }
    /// Processes in all.
    package var count: Int { communicator.count }
}
