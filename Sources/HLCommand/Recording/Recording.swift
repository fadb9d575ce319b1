import ArgumentParser
import Glibc
import HLFormats
import HLRecords
import HLTensor

/// The record of this run, if it keeps one. A program says once what it records (`begin`); `Progress` and `StreamOutput`
/// say how far it is and what it writes, a training what it has measured, and `runTool` how it ends.
package enum Recording {
    // Set by the program's own thread; the recorder itself may be used by several.
    nonisolated(unsafe) private static var recorder: RunRecorder?
    nonisolated(unsafe) private static var heartbeat: Heartbeat?
    nonisolated(unsafe) private static var options = RecordOptions()
    /// When the program started, by `Progress.now()`.
    nonisolated(unsafe) private static var programStart = Progress.now()
    nonisolated(unsafe) private static var threads = 0
    /// What was said of the run before its record began.
    nonisolated(unsafe) private static var versions: JSONObject = [
        "hl-views": .string(Version.number), "stream": .integer(Int64(StreamHeader.currentVersion)),
    ]

    /// Seconds between two records.
    static let interval = 5.0
    /// Headers of joined streams that are kept.
    private static let streamLimit = 16

    static func prepare(since start: Double, threads: Int) {
        programStart = start
        Self.threads = threads
    }

    // MARK: What a program says

    /// Begins the record. Whatever can be refused without work should have been.
    /// - Parameters:
    ///   - options: where it goes, and what of the cost is counted.
    ///   - output: the file that the program writes, beside which the record stands.
    ///   - settings: what decides the result besides the streams.
    ///   - resumed: the samples of a run that this one goes on with; nil for one that begins.
    /// - Throws: `Failure` where a record or table that was asked for cannot be written. One that was not asked for is
    ///   missing then, with a warning.
    package static func begin(
        _ options: RecordOptions, beside output: String? = nil, settings: JSONValue? = nil, seed: UInt64? = nil,
        resumingAfter resumed: Int? = nil
    ) throws {
        Self.options = options
        let path = options.path(beside: output)
        guard path != nil || options.wantsCost else { return }
        if let emissions = options.emissions { try EmissionsFile.check(path: emissions) }
        let meter = CostMeter(since: programStart, watts: options.watts, carbon: try options.carbon)
        if options.wantsCost, let problem = meter.problem {
            if meter.isMeasuring {
                warn("\(problem): energy is counted without it")
            } else if options.watts == nil {
                warn("\(problem): no energy is counted, give --watts to estimate it")
            }
        }
        var record = newRecord(output, settings, seed)
        do {
            if let path { try goOn(from: path, output, resumed, &record) }
            recorder = try RunRecorder(record, path: path, meter: meter)
        } catch let failure as Failure {
            if options.record != nil { throw failure }
            warn("there will be no record of this run: \(failure.what)")
            guard options.wantsCost else { return }
            recorder = try RunRecorder(record, path: nil, meter: meter)
        }
        // Without a thread of its own, the record is renewed as the samples pass.
        guard let recorder else { return }
        heartbeat = try? Heartbeat(every: interval, after: 1) { beat(recorder) }
        lastBeat = Progress.now()
        Progress.follower = follow
    }

    private static func newRecord(_ output: String?, _ settings: JSONValue?, _ seed: UInt64?) -> RunRecord {
        var record = RunRecord()
        record.tool = Console.tool
        record.versions = versions
        record.arguments = Array(CommandLine.arguments.dropFirst())
        if let folder = getcwd(nil, 0) {
            record.directory = String(cString: folder)
            free(folder)
        }
        record.output = output == "-" ? nil : output
        (record.settings, record.seed, record.threads) = (settings, seed, threads)
        record.machine = .own
        let process = ProcessMark.own
        record.process = process
        record.started = RunDate.now() - (Progress.now() - programStart)
        var identity = StableHash()
        identity.add("\(process.boot) \(process.space) \(process.pid) \(process.start) \(record.machine.host)")
        record.id = identity.text
        return record
    }

    /// Takes over what the record of a run says that goes on; refuses to write over what is no record.
    private static func goOn(from path: String, _ output: String?, _ resumed: Int?, _ record: inout RunRecord) throws {
        let others = [output, options.emissions].compactMap { $0 }
        if let other = others.first(where: { areOneFile(path, $0) }) {
            throw refuse("the record would be written over \(other)", "give another --record")
        }
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(.cannotCreate, "\(path) is no regular file", "give another --record")
        }
        let old: RunRecord
        do {
            old = try RunRecordFile.read(path, withCurves: true)
        } catch {
            throw Failure(.cannotCreate, "\(path) is there and no record of a run", "give another --record, or none")
        }
        if old.state == .running, let process = old.process, process != .own {
            warn("\(path) says that another run, process \(process.pid), is writing \(old.output ?? "there")")
        }
        guard let resumed, old.tool == record.tool, old.status != .finished else { return }
        record.earlier = old.earlier + [old.part]
        record.curves = old.curves.mapValues { curve in
            var curve = curve
            curve.cut(after: resumed)
            return curve
        }
        record.metrics = old.metrics
        record.samples = resumed
    }

    /// What was computed with.
    package static func tell(backend summary: String) {
        versions["backend"] = .string(summary)
        recorder?.update { $0.versions["backend"] = .string(summary) }
    }

    /// A stream that is read or written.
    package static func tell(stream header: StreamHeader) {
        recorder?.update { if $0.streams.count < streamLimit { $0.streams.append(.object(header.json)) } }
    }

    /// The streams that are read, in the place of those before: their headers, and the hash of what was taken from each.
    package static func tell(streams: [(header: StreamHeader, hash: UInt64)]) {
        guard let recorder else { return }
        let all = streams.prefix(streamLimit).map { header, hash in
            var json = header.json
            json["hash"] = .string(String(hash))
            return JSONValue.object(json)
        }
        recorder.update { $0.streams = all }
    }

    /// Values that were measured: numbers, at any depth, become values of their own, `knn.top1`; those measured along a run
    /// also points of curves.
    /// - Parameter samples: of the run up to there; nil for a result.
    package static func tell(_ values: JSONObject, after samples: Int? = nil) {
        guard let recorder else { return }
        let flat = flattened(values)
        if let samples {
            recorder.note(flat, samples: samples)
        } else {
            recorder.update { for (key, value) in flat.members { $0.metrics[key] = value } }
        }
    }

    /// Numbers by their way from the top.
    static func flattened(_ object: JSONObject) -> JSONObject {
        var flat = JSONObject()
        func add(_ object: JSONObject, _ prefix: String) {
            for (key, value) in object.members {
                if let inner = value.object { add(inner, prefix + key + ".") }
                if value.number != nil { flat[prefix + key] = value }
            }
        }
        add(object, "")
        return flat
    }

    // MARK: What the plumbing says

    private static func follow(_ done: Int, _ total: Int?, _ unit: String) {
        guard let recorder else { return }
        recorder.update { ($0.samples, $0.total, $0.unit) = (done, total, unit) }
        if heartbeat == nil, Progress.now() - lastBeat > interval {
            lastBeat = Progress.now()
            _ = beat(recorder)
        }
    }

    /// When the record was renewed without a thread for it.
    nonisolated(unsafe) private static var lastBeat = 0.0

    /// - Returns: whether there will be more.
    private static func beat(_ recorder: RunRecorder) -> Bool {
        do {
            try recorder.beat()
            return true
        } catch {
            warn("the record of this run is not kept any more: \(error)")
            return false
        }
    }

    /// The end, by which error ever.
    static func end(after error: (any Error)? = nil) {
        switch error {
        case nil, is BrokenPipe: end(.finished)
        case is Interrupted: end(.stopped)
        case let code as ExitCode where code.rawValue > 128: end(.stopped)
        case let failure as Failure: end(.failed, failure.description)
        case let error?: end(.failed, String(describing: error))
        }
    }

    private static func end(_ status: RunStatus, _ failure: String? = nil) {
        guard let recorder else { return }
        heartbeat?.stop()
        Self.recorder = nil
        do {
            let record = try recorder.end(status, failure: failure)
            if let emissions = options.emissions { try EmissionsFile.append(record, to: emissions) }
            let text = CostText.line(record.cost)
            if options.wantsCost { Console.inform(text) } else { Console.note(text) }
        } catch {
            warn("the end of this run is not recorded: \(error)")
        }
    }
}
