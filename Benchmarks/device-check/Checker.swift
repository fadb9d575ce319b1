import BenchmarkHarness
import Glibc
import HLCompute
import HLFormats
import HLTensor

/// Runs the pieces of checks one after the other, and reports on each at once.
final class Checker {
    let options: Options
    /// What is checked.
    let choice: BackendChoice
    /// Small sizes, to try the checks where there is no card.
    let isTiny: Bool
    private let deadline: Double
    private let from: Int
    private let share: (rank: Int, count: Int)
    /// The number of the next piece.
    private var next = 0

    /// - Throws: `Failure` (usage).
    init(_ options: Options) throws {
        self.options = options
        guard let cuda = BackendChoice("cuda") else { preconditionFailure("every build knows it") }
        choice = try options.backend(or: cuda)
        isTiny = options["tiny"] == "1"
        deadline = seconds() + 60 * (options["minutes"].flatMap { Double($0) } ?? 2)
        from = options.number("from", 0)
        let share = (options["share"] ?? "0/1").split(separator: "/").compactMap { Int($0) }
        guard share.count == 2, share[1] > 0, (0..<share[1]).contains(share[0]) else {
            throw Failure(.usage, "'\(options["share"] ?? "")' is no share", "write it as 0/4")
        }
        self.share = (share[0], share[1])
    }

    /// Whether it is the reference itself.
    var isPlain: Bool { choice == .plain }

    /// A backend of its own.
    func make() throws -> any Backend { try choice.make(threads: options.number("threads", 0)) }

    /// The reference.
    func makePlain() throws -> any Backend { try BackendChoice.plain.make(threads: options.number("threads", 0)) }

    /// The precisions that a backend has, what matters most first.
    func precisions(of backend: any Backend) -> [Precision] {
        [Precision.f32, .bf16, .tf32].filter { precision in
            switch precision {
            case .f32: true
            case .bf16: backend.bf16 != .missing
            case .tf32: backend.hasTF32
            }
        }
    }

    /// Does a piece of a check, unless it is somebody else's, is left out, or comes too late.
    /// - Parameters:
    ///   - backend: what it uses, where that is shared; asked whether it still works after an error.
    ///   - body: gives what is to be reported; `ok` says whether all is well.
    func piece(
        _ check: String, _ name: String, on backend: (any Backend)? = nil, _ body: () throws -> JSONObject
    ) {
        let index = next
        next += 1
        guard index >= from, index % share.count == share.rank else { return }
        var record: JSONObject = ["check": .string(check), "name": .string(name), "index": .integer(Int64(index))]
        guard seconds() < deadline else {
            record["skipped"] = true
            return report(JSONValue.object(record).text)
        }
        report(
            JSONValue.object(["begin": .string(check), "name": .string(name), "index": .integer(Int64(index))]).text)
        do {
            let made = try timed(body)
            for (key, value) in made.result.members { record[key] = value }
            record["seconds"] = .number((made.seconds * 1e4).rounded() / 1e4)
            report(JSONValue.object(record).text)
        } catch {
            record["ok"] = false
            record["error"] = .string("\(error)")
            report(JSONValue.object(record).text)
            if !isAlive(backend) { exit(75) }
        }
    }

    /// Whether anything can still be computed.
    private func isAlive(_ backend: (any Backend)?) -> Bool {
        guard let backend = try? backend ?? make() else { return false }
        return (try? backend.read(backend.constant(0.5, shape: [3])).floats) == [0.5, 0.5, 0.5]
    }
}
