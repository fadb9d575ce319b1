import HLFormats
import HLTensor

/// What a `SurvivableRun` trains: a trainer, and the streams that it is fed from.
///
/// Between any two steps, `state` and the places in the streams are all that decides how it goes on.
protocol Trainee: AnyObject {
    /// What a step takes `batch` of, for people: `pairs`.
    var unit: String { get }
    /// Samples of the next step, of all ranks together.
    var batch: Int { get }
    /// Steps done.
    var step: Int { get }
    /// Steps after which it is over at the latest.
    var steps: Int { get }
    /// Samples of all steps done.
    var samples: Int { get }
    /// Samples of all `steps`.
    var totalSamples: Int { get }
    /// Whether it is over before that.
    var isOver: Bool { get }
    /// Everything that decides the result besides the streams.
    var settings: JSONValue { get }

    // MARK: Streams

    /// What it is fed from, this rank's share where several processes train.
    var streams: [TrainingStream] { get }
    /// Ids of the samples that it was fed last, by the names of streams.
    var fedIDs: [(stream: String, ids: [Int64])] { get }
    /// Side of the images in pixels; 0 before the first.
    var side: Int { get }
    /// The stream that has ended, for messages.
    var endedStream: String { get }
    /// Why there is not even one step in a stream.
    var shortage: Failure { get }

    /// Takes the samples of the next step from the streams.
    /// - Returns: false where one has ended.
    func feed() throws -> Bool
    /// Reads past the samples of a step that was done before.
    /// - Returns: false where a stream has ended.
    func skip() throws -> Bool

    // MARK: Training

    /// Called once before the first step, of all or since it goes on.
    func begin() throws
    /// One step on the samples that it was fed last.
    /// - Parameter reading: whether to wait for the step and renew `report` and `logEntry`.
    /// - Returns: whether that was done.
    func train(reading: Bool) throws -> Bool
    /// Names of all that `logEntry` may have.
    var logNames: [String] { get }
    /// Those of them that are lists of numbers.
    var logLists: [String] { get }
    /// Measures what is measured at the end, where a training ends before its last step.
    func measureAtEnd() throws
    /// The last step that was read, for the line of progress; empty before.
    var report: String { get }
    /// The last step that was read, for the log, without its number.
    var logEntry: JSONObject { get }
    /// Whether the last step is one for the log whatever its number.
    var isMilestone: Bool { get }

    /// Called once behind the last step, on all ranks: takes what `finish`, on the first alone, needs of the others.
    func collect() throws

    /// All that it goes on from.
    func state() throws -> NamedTensors
    /// Goes on from a saved state, after `step` steps on images of a side.
    /// - Throws: `Failure(.data)` where a tensor is missing or has another shape.
    func restore(_ tensors: NamedTensors, step: Int, side: Int) throws

    /// Writes what was trained.
    func finish() throws -> Conclusion
}

/// What is left to say of a training that is over.
struct Conclusion {
    var warning: String?
    /// Such as `wrote encoder.safetensors`.
    let message: String
}

extension Trainee {
    var isOver: Bool { false }
    var isMilestone: Bool { false }
    var logLists: [String] { [] }
    func measureAtEnd() throws {}
    func collect() throws {}
    var fedIDs: [(stream: String, ids: [Int64])] { [] }
    var endedStream: String { "the stream" }
    var shortage: Failure {
        Failure(.data, "the stream holds no \(batch) \(unit)", "give it more samples or lower --batch")
    }
    func begin() throws {}

    /// `TrainingStream.hash` of each stream.
    var streamHashes: [UInt64] { streams.map(\.hash) }

    /// Where all steps take as many.
    var samples: Int { step * batch }
    var totalSamples: Int { steps * batch }
}
