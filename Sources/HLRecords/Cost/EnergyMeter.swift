import Glibc

/// Adds up what counters of energy count, from its making on.
///
/// It has to be read more often than a counter begins anew: one of 262 kJ does so every 20 minutes at 200 W. What cannot
/// be told is left out and counted in `skipped`: a reading that fails, and a counter that went backwards by more than its
/// range explains.
///
/// Counters that are one and the same are added once. Processors of several dies show each other's counter under several
/// names (https://github.com/mlco2/codecarbon/issues/1274): two that are equal at the beginning, to a millionth or to a
/// joule, are taken for one, until they are seen to count differently.
package struct EnergyMeter: Sendable {
    /// Joules of all counters.
    package private(set) var joules = 0.0
    /// Readings that nothing could be made of.
    package private(set) var skipped = 0
    private var counters: [Counter]

    private struct Counter: Sendable {
        let zone: PowerZone
        /// µJ at the last reading; nil where that failed.
        var last: Double?
        /// The counter that this one seems to repeat, by its place; nil for one that stands for itself.
        var repeats: Int?
        /// Whether that is settled.
        var isSettled = false
        /// µJ counted while it is not settled, and what the other one counted then.
        var own = 0.0, others = 0.0
    }

    package init(_ zones: [PowerZone]) {
        counters = zones.map { Counter(zone: $0, last: $0.reading()) }
        for index in counters.indices {
            guard let own = counters[index].last, own > 0 else { continue }
            counters[index].repeats = (0..<index).first { other in
                guard counters[other].repeats == nil, let value = counters[other].last, value > 0 else { return false }
                return Self.areEqual(own, value)
            }
        }
    }

    /// Whether there is anything to read.
    package var isEmpty: Bool { counters.isEmpty }

    /// The counters that are added: `package-0 and package-1`.
    package var names: [String] { counters.filter { $0.repeats == nil }.map(\.zone.name) }

    /// Adds what was used since the last reading.
    package mutating func read() {
        let used: [Double?] = counters.indices.map { index in
            let now = counters[index].zone.reading()
            defer { counters[index].last = now }
            guard let now, let last = counters[index].last else { return nil }
            if now >= last { return now - last }
            // It has begun anew, once.
            let wrapped = now + counters[index].zone.range - last
            return wrapped >= 0 ? wrapped : nil
        }
        for index in counters.indices {
            settle(index, used)
            guard counters[index].repeats == nil else { continue }
            if let used = used[index] { joules += used * 1e-6 } else { skipped += 1 }
        }
    }

    /// Decides, as soon as one has counted more than two processors could differ by, whether a counter repeats another one.
    /// One that does not brings in what it has counted meanwhile.
    private mutating func settle(_ index: Int, _ used: [Double?]) {
        guard let other = counters[index].repeats, !counters[index].isSettled, let own = used[index],
            let others = used[other]
        else { return }
        counters[index].own += own
        counters[index].others += others
        let counted = (own: counters[index].own, others: counters[index].others)
        if !Self.areEqual(counted.own, counted.others) {
            counters[index].repeats = nil
            // What this reading says is added with all the others'.
            joules += (counted.own - own) * 1e-6
        } else if max(counted.own, counted.others) > Self.telling {
            counters[index].isSettled = true
        }
    }

    /// µJ after which two counters that agree are one: ten joules.
    private static let telling = 1e7

    /// Two counters are read one after the other: a joule is what a package uses within some milliseconds.
    private static func areEqual(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= max(1e-6 * max(a, b), 1e6) }
}
