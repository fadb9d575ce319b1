import ArgumentParser
import HLTensor

/// Which part of the samples is drawn: one that is named, or that of this process among those of its launcher.
enum ShardChoice: ExpressibleByArgument, CustomStringConvertible {
    case part(Shard)
    case ofLauncher

    init?(argument: String) {
        if argument == "mpi" {
            self = .ofLauncher
        } else if let shard = Shard(argument) {
            self = .part(shard)
        } else {
            return nil
        }
    }

    /// - Throws: `Failure` (usage) where no launcher has started this process.
    func resolved() throws(Failure) -> Shard {
        switch self {
        case .part(let shard): return shard
        case .ofLauncher:
            guard let launcher = try Launcher.current() else {
                throw Failure(
                    .usage, "--shard mpi is for processes that mpirun or srun has started, which this one is not",
                    "start it with one of them, or give K/N")
            }
            return Shard(launcher)
        }
    }

    var description: String {
        switch self {
        case .part(let shard): shard.description
        case .ofLauncher: "mpi"
        }
    }

    var defaultValueDescription: String { description }
}

/// Part K of N: the ids that leave remainder K when divided by N.
struct Shard: CustomStringConvertible {
    let index: Int
    let count: Int

    static let whole = Shard(index: 0, count: 1)

    /// The part of one of the processes of a launcher.
    init(_ launcher: Launcher) { self.init(index: launcher.rank, count: launcher.count) }

    private init(index: Int, count: Int) {
        self.index = index
        self.count = count
    }

    /// - Parameter argument: K/N.
    init?(_ argument: String) {
        let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), count <= 1 << 20, index >= 0,
            index < count
        else { return nil }
        self.init(index: index, count: count)
    }

    var description: String { "\(index)/\(count)" }

    /// The first id from `id` on that is in the shard; nil beyond the last number.
    func first(from id: Int) -> Int? {
        let (first, overflow) = id.addingReportingOverflow(distance(from: id))
        return overflow ? nil : first
    }

    private func distance(from id: Int) -> Int { (index - id % count + count) % count }

    /// How many of the ids `start` ..< `start + total` are in the shard.
    func share(of total: Int, from start: Int) -> Int {
        let skipped = distance(from: start)
        return total > skipped ? (total - skipped - 1) / count + 1 : 0
    }
}

/// The ids of one run, a record at a time.
struct Positions {
    /// Where counting starts, and over how many; nil is without end.
    let start: Int
    let count: Int?
    let shard: Shard
    /// One beyond the last.
    let end: Int
    private var next: Int

    init(start: Int, count: Int?, shard: Shard) {
        self.start = start
        self.count = count
        self.shard = shard
        end = count.map { start + $0 } ?? .max
        next = shard.first(from: start) ?? .max
    }

    /// At most `limit` ids below `bound`, ascending and `shard.count` apart; empty at the end.
    mutating func take(_ limit: Int, below bound: Int = .max) -> (first: Int, count: Int) {
        let end = min(self.end, bound)
        guard next < end else { return (next, 0) }
        let first = next
        let count = min(limit, (end - 1 - next) / shard.count + 1)
        let (after, overflow) = next.addingReportingOverflow(count * shard.count)
        next = overflow ? .max : after
        return (first, count)
    }
}
