import HLFormats
import HLTensor

/// What is known of one run of a program: hl-run(5).
package struct RunRecord: Sendable {
    package static let version = 1

    /// Tells it from all others.
    package var id = ""
    /// As it is written; `state` knows better.
    package var status = RunStatus.running
    /// The error that it failed with.
    package var failure: String?
    package var tool = ""
    /// Of programs and libraries.
    package var versions = JSONObject()
    package var arguments: [String] = []
    /// Where it was started.
    package var directory = ""
    /// The file that it writes, as it was named; nil for a pipe.
    package var output: String?
    package var seed: UInt64?
    /// What decides the result besides the streams.
    package var settings: JSONValue?
    /// Headers of the streams that were read, or of the one that was written, and the hash of what was taken from each.
    package var streams: [JSONValue] = []
    package var machine = MachineDescription()
    package var threads = 0
    package var process: ProcessMark?
    /// Seconds since 1970.
    package var started = 0.0
    package var updated = 0.0
    package var ended: Double?
    package var samples = 0
    /// Samples that there will be in all, where that is known.
    package var total: Int?
    package var unit = "samples"
    /// The values that were measured last.
    package var metrics = JSONObject()
    package var cost = RunCost()
    /// The parts of a run that was stopped or cut and went on, without the present one.
    package var earlier: [Part] = []
    /// By the names of the values. Empty where they were not asked for.
    package var curves: [String: ValueCurve] = [:]

    /// A part of a run, up to its stop.
    package struct Part: Sendable {
        package var status: RunStatus
        package var started: Double
        package var ended: Double
        package var samples: Int
        package var cost: RunCost
    }

    package init() {}

    /// Of all parts.
    package var totalCost: RunCost { earlier.reversed().reduce(cost) { $1.cost + $0 } }

    /// How far the run has come, as can be seen from here and now. What another machine or container writes is believed
    /// for two minutes.
    package var state: RunStatus {
        guard status == .running else { return status }
        let isAlive = process?.isAlive ?? (RunDate.now() - updated < 120)
        return isAlive ? .running : .cut
    }

    /// The run as part of one that goes on from it.
    package var part: Part {
        Part(status: state, started: started, ended: ended ?? updated, samples: samples, cost: cost)
    }
}

// MARK: JSON

extension RunRecord {
    /// All of it, the curves last.
    package var json: JSONValue { .object(object(isComplete: true)) }

    /// Without the curves and with the state of the run as it is seen now.
    package var summary: JSONValue {
        var all = object(isComplete: false)
        all["status"] = .string(state.rawValue)
        return .object(all)
    }

    private func object(isComplete: Bool) -> JSONObject {
        var members: [(key: String, value: JSONValue)] = []
        func add(_ key: String, _ value: JSONValue?) { if let value { members.append((key, value)) } }
        add("hl.run", .string(String(Self.version)))
        add("id", .string(id))
        add("status", .string(status.rawValue))
        add("failure", failure.map { .string($0) })
        add("tool", .string(tool))
        add("arguments", .array(arguments.map { .string($0) }))
        add("directory", .string(directory))
        add("output", output.map { .string($0) })
        add("started", .string(RunDate.text(started)))
        add("updated", .string(RunDate.text(updated)))
        add("ended", ended.map { .string(RunDate.text($0)) })
        add("samples", .integer(Int64(samples)))
        add("total", total.map { .integer(Int64($0)) })
        add("unit", .string(unit))
        add("metrics", .object(metrics))
        add("cost", cost.json)
        if !earlier.isEmpty { add("earlier", .array(earlier.map(\.json))) }
        add("seed", seed.map { .seed($0) })
        add("settings", settings)
        add("streams", .array(streams))
        add("versions", .object(versions))
        add("machine", machine.json)
        add("threads", .integer(Int64(threads)))
        add("process", process?.json)
        if isComplete && !curves.isEmpty {
            let sorted = curves.sorted { $0.key < $1.key }
            add(Self.curvesKey, .object(JSONObject(uniqueMembers: sorted.map { (key: $0.key, value: $0.value.json) })))
        }
        return JSONObject(uniqueMembers: members)
    }

    /// The member that lists leave unread.
    static let curvesKey = "curves"

    /// - Parameter name: of the file, for messages.
    /// - Throws: `Failure`: data for what is no record, incompatible for one of another version.
    package init(_ json: JSONValue, name: String) throws {
        guard let version = json["hl.run"]?.string, let status = json["status"]?.string.flatMap(RunStatus.init),
            let tool = json["tool"]?.string, let started = json["started"]?.string.flatMap(RunDate.seconds)
        else { throw Failure(.data, "\(name) is no record of a run", "name one that these programs wrote") }
        guard version.prefix(while: { $0 != "." }) == String(Self.version) else {
            throw Failure(
                .incompatible, "\(name) is a record of version \(version), and this program reads \(Self.version)",
                "use programs of one release")
        }
        self.init()
        (self.status, self.tool, self.started) = (status, tool, started)
        id = json["id"]?.string ?? ""
        failure = json["failure"]?.string
        versions = json["versions"]?.object ?? JSONObject()
        arguments = json["arguments"]?.array?.compactMap(\.string) ?? []
        directory = json["directory"]?.string ?? ""
        output = json["output"]?.string
        seed = json["seed"]?.seed
        settings = json["settings"]
        streams = json["streams"]?.array ?? []
        machine = MachineDescription(json["machine"])
        threads = Int(json["threads"]?.integer ?? 0)
        process = ProcessMark(json["process"])
        updated = json["updated"]?.string.flatMap(RunDate.seconds) ?? started
        ended = json["ended"]?.string.flatMap(RunDate.seconds)
        samples = Int(json["samples"]?.integer ?? 0)
        total = json["total"]?.integer.map { Int($0) }
        unit = json["unit"]?.string ?? unit
        metrics = json["metrics"]?.object ?? JSONObject()
        cost = RunCost(json["cost"])
        earlier = json["earlier"]?.array?.compactMap(Part.init) ?? []
        for (key, value) in json[Self.curvesKey]?.object?.members ?? [] { curves[key] = ValueCurve(value) }
    }
}

extension RunRecord.Part {
    var json: JSONValue {
        [
            "status": .string(status.rawValue), "started": .string(RunDate.text(started)),
            "ended": .string(RunDate.text(ended)), "samples": .integer(Int64(samples)), "cost": cost.json,
        ]
    }

    init?(_ json: JSONValue) {
        guard let status = json["status"]?.string.flatMap(RunStatus.init),
            let started = json["started"]?.string.flatMap(RunDate.seconds)
        else { return nil }
        self.init(
            status: status, started: started, ended: json["ended"]?.string.flatMap(RunDate.seconds) ?? started,
            samples: Int(json["samples"]?.integer ?? 0), cost: RunCost(json["cost"]))
    }
}
