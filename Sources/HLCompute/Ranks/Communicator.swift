/// What the processes of one job tell each other, from host memory to host memory.
///
/// All ranks call the same functions in the same order, with as many bytes; one thread of each calls.
package protocol Communicator: AnyObject {
    /// The place of this process, from 0.
    var rank: Int { get }
    /// Processes in all.
    var count: Int { get }
    /// Library and version, for people.
    var summary: String { get }

    /// The bytes of all ranks, in rank order; returns when they are there.
    /// - Parameter all: room for `count` times as many bytes as `own` has.
    func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer)

    /// Begins to add up the values of all ranks, in rank order, and returns at once. The sums take the values' place, the same
    /// bits on every rank, and every time.
    /// - Parameters:
    ///   - values: a multiple of `count` of them; the memory is in use until it is done.
    ///   - done: called on any thread once the sums are there.
    func beginSum(_ values: UnsafeMutableBufferPointer<Float>, done: @escaping @Sendable () -> Void)

    /// Returns when all sums that have begun are there.
    func finishSums()
}

extension Communicator {
    /// The words of all ranks, in rank order.
    package func gather(_ words: [UInt64]) -> [[UInt64]] {
        var all = [UInt64](repeating: 0, count: count * words.count)
        words.withUnsafeBytes { own in all.withUnsafeMutableBytes { gather(own, into: $0) } }
        return (0..<count).map { Array(all[$0 * words.count..<($0 + 1) * words.count]) }
    }

    /// The numbers of all ranks, in rank order.
    package func gather(_ numbers: [Double]) -> [[Double]] {
        gather(numbers.map(\.bitPattern)).map { $0.map { Double(bitPattern: $0) } }
    }

    /// Means over the ranks, in rank order, of numbers that each has its own of: the same bits on all of them.
    package func means(_ own: [Double]) -> [Double] {
        let all = gather(own)
        return own.indices.map { index in all.reduce(0) { $0 + $1[index] } / Double(count) }
    }
}
