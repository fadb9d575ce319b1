import HLFormats
import HLTensor

/// Which samples go on: of those with the wanted ids a slice, counted over all streams.
struct SampleSelection {
    /// Ranges of ids; nil takes all.
    let ids: [ClosedRange<Int64>]?
    /// Of so many equal parts, by id; nil takes all.
    let part: IdPart?
    let skip: Int
    /// Samples in all; nil takes what comes.
    let count: Int?

    private var seen = 0

    init(ids: [ClosedRange<Int64>]?, part: IdPart?, skip: Int, count: Int?) {
        self.ids = ids
        self.part = part
        self.skip = skip
        self.count = count
    }

    /// Whether nothing of what is still to come goes on.
    var isDone: Bool { count.map { seen - skip >= $0 } ?? false }

    /// The samples of the next batch that go on; nil if none does.
    /// - Throws: `Failure` (data) where ids are asked for and there are none.
    mutating func chosen(of batch: Batch) throws -> Batch? {
        let wanted = try matching(batch)
        // Places among those with the wanted ids, over all batches.
        let first = max(0, skip - seen),
            last = count.map { min(wanted.count, max(0, skip + $0 - seen)) } ?? wanted.count
        seen += wanted.count
        guard first < last else { return nil }
        let rows = Array(wanted[first..<last])
        let isWhole = rows.count == batch.count
        return isWhole ? batch : batch.gather(rows)
    }

    private func matching(_ batch: Batch) throws -> [Int] {
        guard ids != nil || part != nil else { return Array(0..<batch.count) }
        let values = try batch.require(TensorSelection.ids, .i64, rank: 1).integers
        return values.indices.filter { row in
            (ids?.contains { $0.contains(values[row]) } ?? true) && (part?.contains(values[row]) ?? true)
        }
    }
}

/// The samples of some of n equal parts, by the remainder of their ids: parts of one n have no sample in common.
struct IdPart {
    /// From 1 to `of`.
    let parts: ClosedRange<Int>
    let of: Int

    /// - Parameter text: `1/5`, or several parts, `1-4/5`.
    /// - Throws: `Failure` (usage).
    init(parsing text: String) throws {
        func fail() -> Failure {
            Failure(.usage, "'\(text)' is no part", "give --part 1/5, or several such as 1-4/5")
        }
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let of = Int(halves[1]), (1...1_000_000).contains(of) else { throw fail() }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, 1 <= first, first <= last,
            last <= of
        else { throw fail() }
        parts = first...last
        self.of = of
    }

    func contains(_ id: Int64) -> Bool {
        let remainder = Int(((id % Int64(of)) + Int64(of)) % Int64(of))
        return parts.contains(remainder + 1)
    }
}
