import HLCommand
import HLFormats
import HLTensor

/// Refuses sets on which an accuracy would mean nothing.
enum ProbeCheck {
    /// - Throws: `Failure` where two of the sets share samples, differ in shape or were embedded by different encoders.
    static func all(_ sets: [ProbeSet], embedded: Bool) throws {
        let pairs = sets.indices.flatMap { a in sets.indices.filter { $0 > a }.map { (sets[a], sets[$0]) } }
        for (a, b) in pairs {
            try origins(a, b)
            if embedded { try encoders(a, b) }
            try shapes(a, b)
        }
    }

    /// - Throws: `Failure` (incompatible) for sets that share a sample, whichever of the streams joined in them it is of.
    private static func origins(_ train: ProbeSet, _ test: ProbeSet) throws {
        let learnt = samples(of: train), asked = samples(of: test)
        var shared: [Int64] = []
        var isKnown = true
        for (origin, ids) in learnt {
            for (other, asked) in asked where origin.isSame(as: other) {
                let both = ids.intersection(asked)
                shared += both
                if !both.isEmpty { isKnown = isKnown && origin.isKnown }
            }
        }
        guard let least = shared.min() else { return }
        let what = "\(train.role) and \(test.role) set share \(shared.count) samples, such as id \(least)"
        guard isKnown else {
            throw Failure(
                .incompatible, what + ", as far as is known: no header says where the samples come from",
                "name the source of each set in its hl.data, or give samples that differ ids that differ, as "
                    + "hl-stream(5) tells")
        }
        throw Failure(
            .incompatible, what,
            train.header.data == nil
                ? "draw the \(test.role) set with another --seed or from another --start"
                : "read the \(test.role) set from another split")
    }

    /// The ids of a set by their origins.
    private static func samples(of set: ProbeSet) -> [(origin: SampleOrigin, ids: Set<Int64>)] {
        var result: [(origin: SampleOrigin, ids: Set<Int64>)] = []
        for (header, ids) in set.segments {
            let origin = SampleOrigin(header)
            if let index = result.firstIndex(where: { $0.origin.isSame(as: origin) }) {
                result[index].ids.formUnion(ids)
            } else {
                result.append((origin, Set(ids)))
            }
        }
        return result
    }

    /// Warns of test samples that look just like a train sample: copies, whatever the headers call them. Blank images, and
    /// the zeros that a network has for images which it does not see, are nobody's copies.
    static func warnAboutCopies(_ train: ProbeSet, _ test: ProbeSet) {
        let size = train.content.rowSize * train.content.type.size
        let isWords = train.content.type == .f32
        guard size > 0 else { return }
        func row(_ number: Int, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            UnsafeRawBufferPointer(rebasing: bytes[number * size..<(number + 1) * size])
        }
        func isBlank(_ bytes: UnsafeRawBufferPointer) -> Bool {
            let element = train.content.type.size
            return bytes.dropFirst(element).elementsEqual(bytes.dropLast(element))
        }
        func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
            var hash = StableHash()
            if isWords { hash.add(words: bytes.bindMemory(to: UInt32.self)) } else { hash.add(bytes) }
            return hash.value
        }
        var copies = 0, example: (test: Int64, train: Int64)?
        train.content.withUnsafeBytes { learnt in
            var known: [UInt64: Int] = [:]
            for number in 0..<train.count where !isBlank(row(number, learnt)) {
                known[hash(row(number, learnt))] = number
            }
            test.content.withUnsafeBytes { asked in
                for number in 0..<test.count {
                    let sample = row(number, asked)
                    guard let original = known[hash(sample)], row(original, learnt).elementsEqual(sample) else {
                        continue
                    }
                    copies += 1
                    example = example ?? (test.ids[number], train.ids[original])
                }
            }
        }
        guard let example else { return }
        let kind = train.content.shape.count == 2 ? "embedding" : "image"
        warn(
            "\(copies) of \(test.count) \(test.role) samples have the same \(kind) as a \(train.role) sample, such as id \(example.test) "
                + "and id \(example.train): copies make accuracies too high")
    }

    /// - Throws: `Failure` (incompatible) for samples of different size or type.
    private static func shapes(_ train: ProbeSet, _ test: ProbeSet) throws {
        func text(_ set: ProbeSet) -> String {
            "\(set.content.type.rawValue) \(Array(set.content.shape.dropFirst()))"
        }
        guard text(train) == text(test) else {
            throw Failure(
                .incompatible,
                "a \(train.role) sample is \(text(train)) and a \(test.role) sample \(text(test))",
                "make both sets with the same options")
        }
    }

    /// - Throws: `Failure` (incompatible) for embeddings of two encoders, as far as the headers say.
    private static func encoders(_ train: ProbeSet, _ test: ProbeSet) throws {
        func fingerprints(_ set: ProbeSet) throws -> Set<String> {
            Set(
                try set.segments.compactMap { segment in
                    try segment.header.statedEncoder(of: "\(set.role) set")?.fingerprint
                })
        }
        let (a, b) = (try fingerprints(train), try fingerprints(test))
        for (set, found) in [(train, a), (test, b)] where found.count > 1 {
            throw Failure(
                .incompatible, "the \(set.role) set joins embeddings of \(found.count) encoders",
                "use one encoder for all")
        }
        if !a.isEmpty && !b.isEmpty && a != b {
            throw Failure(
                .incompatible, "\(train.role) and \(test.role) set were embedded by different encoders",
                "use one encoder for both")
        }
    }

    static func finite(_ features: HostTensor, _ set: ProbeSet) throws {
        try features.requireFinite(
            "the \(set.role) set's embedding", ids: HostTensor(set.ids, shape: [set.count]),
            remedy: "train the encoder anew with a lower learning rate")
    }
}
