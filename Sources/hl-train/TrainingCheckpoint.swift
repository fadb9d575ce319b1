import Glibc
import HLCommand
import HLFormats
import HLTensor

/// The file that a stopped run goes on from. It appears under its name only when it is complete.
struct TrainingCheckpoint {
    let path: String

    /// - Parameter output: the file that the run is to write; the checkpoint stands beside it.
    init(output: String) { path = output + ".resume" }

    /// Whether a run has left one.
    var exists: Bool { access(path, F_OK) == 0 }

    struct Content {
        let settings: JSONValue
        /// Steps done.
        let step: Int
        /// Samples of these steps, of all ranks together.
        let samples: Int
        /// `TrainingStream.hash` of each stream after these steps, rank by rank.
        let streamHashes: [UInt64]
        /// Side of the images in pixels.
        let side: Int
        let tensors: NamedTensors
    }

    func save(_ content: Content) throws {
        let metadata = [
            "hl.step": String(content.step), "hl.samples": String(content.samples), "hl.side": String(content.side),
            "hl.stream": content.streamHashes.map { String($0) }.joined(separator: " "),
        ]
        let file = Checkpoint.stoppedRun.file(content.tensors, metadata: metadata, training: content.settings)
        try Checkpoint.write(file, to: path)
    }

    /// - Returns: nil where there is no such file.
    private func load() throws -> Content? {
        guard exists else { return nil }
        let file = try Checkpoint.stoppedRun.read(path: path)
        let step: Int = try file.integer("hl.step"), words = try file.text("hl.stream").split(separator: " ")
        let hashes = words.compactMap { UInt64($0) }
        guard step >= 0, !hashes.isEmpty, hashes.count == words.count else {
            throw Failure(.data, "\(path) does not say how far it came", "delete it and start anew")
        }
        let settings = try file.json("hl.training")
        // Earlier releases did not say it.
        let samples = file.metadata["hl.samples"].flatMap { Int($0) }
        return Content(
            settings: settings, step: step, samples: samples ?? step &* Int(settings["batch"]?.integer ?? 0),
            streamHashes: hashes, side: try file.integer("hl.side"), tensors: file.tensors)
    }

    /// What a run with these settings goes on from; nil, with a message, where there is nothing.
    /// - Throws: `Failure(.incompatible)` where other settings have left it.
    func load(for settings: JSONValue) throws -> Content? {
        guard let saved = try load() else {
            Console.inform("there is no \(path) to resume from: starting anew")
            return nil
        }
        try checkRanks(saved, settings)
        // Earlier releases kept options of other methods too, which decided nothing.
        let own = settings.object?.members ?? []
        // What is left out of the settings where it is not given is no less another setting.
        let given = Self.leftOut.filter { settings[$0] == nil }.compactMap { key in
            saved.settings[key].map { value in
                "\(Self.given(value, key, in: saved.settings)) there, no \(Self.option(key)) here"
            }
        }
        let others =
            given
            + own.filter { !Self.isSame(saved.settings[$0.key], $0.value) }.map { key, value in
                let option = Self.option(key)
                // The method of the other run may have no such option.
                let there = saved.settings[key].map { Self.given($0, key, in: saved.settings) }
                let here = value == true ? option : Self.text(value, key, in: settings)
                return "\(there ?? "no \(option)") there, \(here) here"
            }
        guard others.isEmpty else {
            throw Failure(
                .incompatible, "\(path) was made with other settings (\(others.joined(separator: "; ")))",
                "give the same options, or begin anew with --force instead of --resume")
        }
        return saved
    }

    /// Settings that stand in a checkpoint only where they are not the default.
    private static let leftOut = ["precision", "init", "mix_ratio", "pair_weights"]

    /// Shares of the stream are those of as many ranks as there were.
    private func checkRanks(_ saved: Content, _ settings: JSONValue) throws {
        func ranks(_ settings: JSONValue) -> Int { settings["ranks"]?.integer.map { Int($0) } ?? 1 }
        let (before, now) = (ranks(saved.settings), ranks(settings))
        guard before != now else { return }
        throw Failure(
            .incompatible,
            "\(path) was made by \(before) \(before == 1 ? "process" : "processes") in \(saved.samples) samples, and this run has "
                + "\(now)",
            "start \(before == 1 ? "it alone" : "\(before) with mpirun or srun")"
                + (settings["method"] == nil
                    ? ""
                    : ", or train on from its weights with --init \(path), hl-sample --start \(saved.samples) and another -o")
        )
    }

    /// The option that a setting comes from.
    private static func option(_ key: String) -> String {
        switch key {
        case "steps", "images": "-n"
        case "warmup_steps": "--warmup"
        default: "--" + key.replacing("_", with: "-")
        }
    }

    /// An option with its value, if it takes one.
    private static func given(_ value: JSONValue, _ key: String, in settings: JSONValue) -> String {
        value == true ? option(key) : "\(option(key)) \(text(value, key, in: settings))"
    }

    /// A setting as its option has it: -n counts samples.
    private static func text(_ value: JSONValue, _ key: String, in settings: JSONValue) -> String {
        guard let number = value.integer else { return value.string ?? value.text }
        let unit = key == "steps" ? settings["batch"]?.integer ?? 1 : 1
        return String(number.multipliedReportingOverflow(by: unit).partialValue)
    }

    /// Whether two settings are the same. Numbers are Floats, and earlier releases wrote them with the digits of a
    /// Double, and seeds as text.
    private static func isSame(_ a: JSONValue?, _ b: JSONValue) -> Bool {
        if case .number(let b) = b, let a = a?.number { return Float(a) == Float(b) }
        if case .integer(let b) = b, let a = a?.string { return a == String(b) }
        return a == b
    }

    /// The stream's hash after the steps that are to be skipped is not the one that was saved.
    var differentStream: Failure {
        Failure(
            .incompatible, "this is not the stream that \(path) was made from",
            "give the same pipeline, or begin anew with --force instead of --resume")
    }

    func remove() { unlink(path) }
}
