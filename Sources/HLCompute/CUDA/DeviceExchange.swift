import HLTensor

/// What connects the cards of several processes.
package protocol DeviceExchange: AnyObject {
    /// The bytes of all ranks, in rank order, in line with what is enqueued.
    func gather(_ own: UnsafeRawPointer, into all: UnsafeMutableRawPointer, byteCount: Int) throws(Failure)

    /// Begins to add up F32 values over the ranks, each in its place, beside what is enqueued from now on.
    func beginSum(_ values: [UnsafeMutableBufferPointer<Float>]) throws(Failure)

    /// What is enqueued from now on finds the sums.
    func finishSums() throws(Failure)
}
