import HLFormats
import HLTensor

/// Where what a training reports goes: a log of JSON or a table, and TensorBoard.
final class TrainingRecorder {
    private let log: TrainingLog?
    private let events: TensorBoardEvents?

    /// - Parameters:
    ///   - step: what a resumed run goes on behind.
    ///   - names: all that entries may have, `step` and `samples` first.
    init(_ options: RunOptions, resumingAfter step: Int, names: [String]) throws {
        log = try options.log.map { try TrainingLog(path: $0, keepingUpTo: step, names: names) }
        events = try options.tensorboard.map { try TensorBoardEvents(folder: $0, resumingAfter: step) }
    }

    /// - Throws: `Failure`: data for a value that is no number, or inputOutput.
    func write(_ entry: JSONObject, step: Int) throws {
        try log?.write(entry)
        guard let events else { return }
        var values: [(tag: String, value: Double)] = []
        for (name, value) in entry.members where name != "step" {
            switch value {
            case .array(let parts):
                for (index, part) in parts.enumerated() {
                    if let number = part.number { values.append(("\(name)/\(index)", number)) }
                }
            default: if let number = value.number { values.append((Self.tag(name), number)) }
            }
        }
        try events.add(values, step: step)
    }

    /// TensorBoard groups what has one word before a slash.
    private static func tag(_ name: String) -> String {
        name.hasPrefix("eval_") ? "eval/" + name.dropFirst("eval_".count) : name
    }
}
