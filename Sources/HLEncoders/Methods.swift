import HLTensor

/// The catalogue of training methods: the only file that knows all of them.
package enum Methods {
    package static let all = [
        SimSiam.description, SimCLR.description, StableRep.description, BYOL.description, MoCo.description,
        LeJEPA.description, Supervised.description,
    ]
    /// What is taken where nobody chooses.
    package static let standard = SimCLR.description

    /// The method of a name; nil where there is none.
    package static func named(_ name: String) -> MethodDescription? { all.first { $0.name == name } }

    /// What the options of a method say, with defaults where nothing is given.
    /// - Parameter given: values by option name, nil for an option that was left out.
    /// - Throws: `Failure(.usage)` for an option of another method, or a value that an option does not take.
    package static func values(
        of method: MethodDescription, given: [(name: String, value: MethodOption.Value?)]
    ) throws -> MethodValues {
        var own: [String: MethodOption.Value] = [:]
        for (name, value) in given {
            guard let value else { continue }
            guard method.options.contains(where: { $0.name == name }) else {
                throw Failure(
                    .usage,
                    "--\(name) is for \(joined(owners(of: name).map(\.name), by: "and")), and the method is "
                        + method.name, "leave it out")
            }
            own[name] = value
        }
        return try method.values(own)
    }

    // MARK: For --help

    /// What `--help` says of a method's own option: its meaning, whose it is, its values and defaults.
    package static func help(_ name: String) -> String {
        let owners = owners(of: name)
        let options = owners.flatMap(\.options).filter { $0.name == name }
        precondition(!options.isEmpty, "no method has --\(name)")
        let whose = joined(owners.map(\.name), by: "and")
        let defaults = grouped(Array(zip(owners, options.map(\.standard.text))))
        // Without the article.
        let range = options[0].domain.text.drop { $0 != " " }.dropFirst()
        let brackets = [String(range), "default: \(defaults)"].filter { !$0.isEmpty }
        return "For \(whose): \(options[0].help). (\(brackets.joined(separator: "; ")))"
    }

    /// What a property of all methods is, by method: `0.05 (simsiam), 0.2 (byol) or 0.8 (others)`, or one text where it
    /// is the same for all.
    package static func each(_ text: (MethodDescription) -> String) -> String {
        grouped(all.map { ($0, text($0)) })
    }

    private static func owners(of option: String) -> [MethodDescription] {
        all.filter { $0.options.contains { $0.name == option } }
    }

    /// Texts with the methods that each is for, the one for most of them last.
    private static func grouped(_ entries: [(method: MethodDescription, text: String)]) -> String {
        var groups: [(text: String, names: [String])] = []
        for (method, text) in entries {
            if let index = groups.firstIndex(where: { $0.text == text }) {
                groups[index].names.append(method.name)
            } else {
                groups.append((text, [method.name]))
            }
        }
        if groups.count == 1 { return groups[0].text }
        // `max` takes the first of equals.
        if let most = groups.max(by: { $0.names.count < $1.names.count }), most.names.count > 1 {
            groups.removeAll { $0.text == most.text }
            groups.append((most.text, ["others"]))
        }
        return joined(groups.map { "\($0.text) (\($0.names.joined(separator: ", ")))" }, by: "or")
    }

    /// `a, b and c`
    private static func joined(_ parts: [String], by word: String) -> String {
        parts.count < 2
            ? parts.joined() : parts.dropLast().joined(separator: ", ") + " \(word) " + parts[parts.count - 1]
    }
}
