import CSystem
import HLFormats
import HLTensor
import Synchronization

/// Keeps the record of a run that is going on: takes what the program has to say, and puts a new record in the place of the
/// last one from time to time. May be used by several threads.
package final class RunRecorder: Sendable {
    /// Where the record is; nil for a run that is only measured.
    package let path: String?
    private let state: Mutex<State>
    /// Held while a file is written, so that an older record never takes the place of a newer one.
    private let writing = Mutex(())

    private struct State {
        var record: RunRecord
        var meter: CostMeter
        /// Whether nothing is written any more before the end: a record could not be written, or the run has ended.
        var isOver = false
        var hasEnded = false
    }

    /// Writes the first record.
    /// - Parameters:
    ///   - record: what is known at the beginning.
    ///   - path: where it goes; nil writes none.
    /// - Throws: `Failure`: as `OutputFile.write`.
    package init(_ record: RunRecord, path: String?, meter: CostMeter) throws {
        self.path = path
        var record = record, meter = meter
        record.updated = RunDate.now()
        record.cost = meter.read()
        if let path { try RunRecordFile.write(record, to: path, isLasting: false) }
        state = Mutex(State(record: record, meter: meter))
    }

    /// The record as it is now, the costs as they were measured last.
    package var record: RunRecord { state.withLock { $0.record } }

    /// Changes what is said of the run.
    package func update(_ change: (inout RunRecord) -> Void) { state.withLock { change(&$0.record) } }

    /// Notes values that were measured after so many samples; numbers among them become points of the curves.
    package func note(_ values: JSONObject, samples: Int) {
        state.withLock { state in
            // Of the whole run, as the samples are.
            let seconds = state.meter.seconds + state.record.earlier.reduce(0) { $0 + $1.cost.seconds }
            for (key, value) in values.members {
                state.record.metrics[key] = value
                guard let number = value.number else { continue }
                state.record.curves[key, default: ValueCurve()].append(
                    .init(samples: samples, seconds: seconds, value: number))
            }
        }
    }

    /// Measures, and writes the record. Where that fails, it is not tried again.
    /// - Throws: `Failure`, the first time.
    package func beat() throws {
        try writing.withLock { _ in
            let record: RunRecord? = state.withLock { state in
                if state.isOver { return nil }
                Self.measure(&state)
                return state.record
            }
            guard let record, let path else { return }
            do {
                try RunRecordFile.write(record, to: path, isLasting: false)
            } catch {
                state.withLock { $0.isOver = true }
                throw error
            }
        }
    }

    /// Writes the last record. Where one before could not be written it is tried once more, and nothing said of it again.
    /// - Returns: the record.
    /// - Throws: `Failure` where it cannot be written.
    @discardableResult
    package func end(_ status: RunStatus, failure: String? = nil) throws -> RunRecord {
        try writing.withLock { _ in
            let (record, wasOver, hadEnded): (RunRecord, Bool, Bool) = state.withLock { state in
                Self.measure(&state)
                state.record.status = status
                state.record.failure = failure
                state.record.ended = state.record.updated
                defer { (state.isOver, state.hasEnded) = (true, true) }
                return (state.record, state.isOver, state.hasEnded)
            }
            guard let path, !hadEnded else { return record }
            do {
                try RunRecordFile.write(record, to: path, isLasting: true)
            } catch {
                if !wasOver { throw error }
            }
            return record
        }
    }

    private static func measure(_ state: inout State) {
        state.record.cost = state.meter.read()
        state.record.updated = RunDate.now()
    }
}
