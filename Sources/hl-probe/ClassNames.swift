import HLCommand
import HLGenerators
import HLTensor

/// How the labels of several sets are matched: by the names of their classes, or by number where all have the same names
/// or none has any.
struct ClassNames {
    private var numbers: [String: Int64] = [:]
    private var all: [String] = []
    /// Names behind labels that count by number.
    private var shared: [String]?

    /// - Throws: `Failure` (incompatible) for sets of which only some have names, and for names that are not unique.
    init(_ sets: [ProbeSet]) throws {
        let lists = sets.map { $0.header.classNames }
        let named = zip(sets, lists).compactMap { set, list in list.map { (set, $0) } }
        guard named.count == sets.count else {
            guard let first = named.first?.0, let other = zip(sets, lists).first(where: { $1 == nil })?.0 else {
                return
            }
            throw Failure(
                .incompatible,
                "the header of the \(first.role) set names its classes and that of the \(other.role) set does not, so "
                    + "that their labels cannot be matched",
                "write the names of the \(other.role) set's classes into its hl.data, as hl-stream(5) tells")
        }
        // By number where all have the same list, whatever stands in it.
        if Set(named.map(\.1)).count == 1 {
            shared = named[0].1
            return
        }
        for (set, list) in named {
            if Set(list).count < list.count {
                throw Failure(
                    .incompatible,
                    "two classes of the \(set.role) set have one name, and those of the other set differ",
                    "give every class a name of its own")
            }
            for name in list where numbers[name] == nil {
                numbers[name] = Int64(all.count)
                all.append(name)
            }
        }
    }

    /// The name of a class by the number that `numbers(_:)` gave it, or that number.
    func name(_ number: Int64) -> String {
        let names = shared ?? all, place = Int(clamping: number)
        return names.indices.contains(place) ? names[place] : String(number)
    }

    /// The labels of a set, by name where there are names.
    /// - Throws: `Failure` (data) for a label that the header has no name for.
    func numbers(_ set: ProbeSet) throws -> [Int64] {
        guard !all.isEmpty, let own = set.header.classNames else { return set.labels }
        let numbers = own.map { self.numbers[$0] ?? 0 }
        return try zip(set.labels, set.ids).map { label, id in
            guard numbers.indices.contains(Int(clamping: label)) else {
                throw Failure(
                    .data,
                    "sample \(id) of the \(set.role) set has the label \(label), and its header names "
                        + counted(own.count, "class", "classes"), "write the names of all classes into hl.data")
            }
            return numbers[Int(label)]
        }
    }
}
