import BenchmarkHarness
import Glibc
import HLCompute

/// A communicator that notes when a step exchanges what, for a model of other links and more ranks, and can make rows that
/// are gathered come later, as behind a link of some latency.
final class ExchangeRecorder: Communicator {
    private let communicator: any Communicator
    private let delay: useconds_t
    private var start = 0.0
    private var sums: [(begun: Double, bytes: Int)] = []
    private var gathers = (count: 0, bytes: 0, seconds: 0.0)
    private var wait = (begun: 0.0, seconds: 0.0)

    /// - Parameter delay: of what is gathered, microseconds.
    init(_ communicator: any Communicator, delay: Int) {
        self.communicator = communicator
        self.delay = useconds_t(max(0, delay))
    }

    var rank: Int { communicator.rank }
    var count: Int { communicator.count }
    var summary: String { communicator.summary }

    /// A step begins: what was noted of the last one is forgotten.
    func begin() {
        start = seconds()
        (sums, gathers, wait) = ([], (0, 0, 0), (0, 0))
    }

    func gather(_ own: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer) {
        let time = timed {
            communicator.gather(own, into: all)
            if delay > 0 { usleep(delay) }
        }.seconds
        gathers = (gathers.count + 1, gathers.bytes + own.count, gathers.seconds + time)
    }

    func beginSum(_ values: UnsafeMutableBufferPointer<Float>, done: @escaping @Sendable () -> Void) {
        sums.append((seconds() - start, values.count * 4))
        communicator.beginSum(values, done: done)
    }

    func finishSums() {
        let begun = seconds() - start
        wait = (begun, timed { communicator.finishSums() }.seconds)
    }

    /// The last step's, as JSON: sums with the second of the step that each began in, when the way back was over and how long
    /// it then waited for them; how often rows were gathered, a rank's bytes of all, and how long that took.
    var json: String {
        let list = sums.map { "[\($0.begun), \($0.bytes)]" }.joined(separator: ", ")
        return "{\"sums\": [\(list)], \"finished\": \(wait.begun), \"waited\": \(wait.seconds), "
            + "\"gathers\": \(gathers.count), \"gathered_bytes\": \(gathers.bytes), \"gathering\": \(gathers.seconds)}"
    }
}
