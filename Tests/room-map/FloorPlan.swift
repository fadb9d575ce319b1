/// The files of a room by what they stand on.
struct FloorPlan {
    private let room: String
    private let floors: [[String]]
    /// Files that stand on each other, with an arrow from each.
    let circles: [[String]]

    init(_ room: Room, _ known: NameCounts) {
        self.room = room.name
        let arrows = Arrows(room, known)
        let groups = Self.groups(arrows)
        circles = groups.filter { $0.count > 1 }.map { group in
            group.flatMap { from in
                group.compactMap { to in arrows.reason(from, to).map { "\(from) uses \($0) of \(to)" } }
            }
        }
        var level: [String: Int] = [:]
        // A group comes behind all that it stands on.
        for group in groups {
            let below = group.flatMap { arrows.targets($0) }.filter { !group.contains($0) }
            let own = (below.compactMap { level[$0] }.max() ?? -1) + 1
            for part in group { level[part] = own }
        }
        floors = (0...(level.values.max() ?? 0)).map { floor in
            level.filter { $0.value == floor }.map(\.key).sorted()
        }
    }

    var text: String {
        var lines = ["\(room)"]
        for (number, parts) in floors.enumerated().reversed() {
            lines.append("  \(number)  \(parts.joined(separator: " "))")
        }
        for circle in circles { lines += ["  circle:"] + circle.map { "    \($0)" } }
        return lines.joined(separator: "\n")
    }

    /// Parts that reach each other, each group behind those that it reaches (Tarjan 1972).
    private static func groups(_ arrows: Arrows) -> [[String]] {
        var index: [String: Int] = [:], lowest: [String: Int] = [:], open: [String] = [], groups: [[String]] = []
        func visit(_ part: String) {
            index[part] = index.count
            lowest[part] = index[part]
            open.append(part)
            for target in arrows.targets(part) {
                if index[target] == nil {
                    visit(target)
                    lowest[part] = min(lowest[part] ?? 0, lowest[target] ?? 0)
                } else if open.contains(target) {
                    lowest[part] = min(lowest[part] ?? 0, index[target] ?? 0)
                }
            }
            guard lowest[part] == index[part], let start = open.firstIndex(of: part) else { return }
            groups.append(open[start...].sorted())
            open.removeSubrange(start...)
        }
        for part in arrows.parts where index[part] == nil { visit(part) }
        return groups
    }
}

/// Which part of a room uses a name that another declares.
struct Arrows {
    let parts: [String]
    private var reasons: [String: [String: String]] = [:]

    init(_ room: Room, _ known: NameCounts) {
        parts = Set(room.files.map(\.part)).sorted()
        var homes: [String: Set<String>] = [:], members: [String: Set<String>] = [:]
        for file in room.files {
            for name in file.top { homes[name, default: []].insert(file.part) }
        }
        for file in room.files {
            for (name, type) in file.members where homes[type] != [file.part] && known.isUnique(name) {
                members[name, default: []].insert(file.part)
            }
        }
        for file in room.files {
            for (index, token) in file.tokens.enumerated() {
                let isMember = index > 0 && file.tokens[index - 1] == "."
                // A name that the file declares itself is its own.
                let home = file.local.contains(token) ? nil : isMember ? members[token] : homes[token] ?? members[token]
                guard let home, home.count == 1, let target = home.first, target != file.part else { continue }
                if reasons[file.part]?[target] == nil { reasons[file.part, default: [:]][target] = token }
            }
        }
    }

    func targets(_ part: String) -> [String] { (reasons[part] ?? [:]).keys.sorted() }

    /// The name by which one part uses another, nil where it does not.
    func reason(_ from: String, _ to: String) -> String? { reasons[from]?[to] }
}
