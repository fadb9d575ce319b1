import Foundation

/// A module or a program: a folder with Swift files.
struct Room {
    let name: String
    let files: [SourceFile]

    /// The rooms of a folder that has one per subfolder.
    static func all(in folder: String) throws -> [Room] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted().compactMap { name in
            let path = "\(folder)/\(name)"
            let files = (FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? [])
                .filter { $0.hasSuffix(".swift") }.sorted()
            if files.isEmpty { return nil }
            return Room(name: name, files: try files.map { try SourceFile(path: "\(path)/\($0)") })
        }
    }
}

/// In how many rooms' files every name is declared: a member that several have says nothing of where it comes from.
struct NameCounts {
    private var counts: [String: Int] = [:]

    init(_ rooms: [Room]) {
        for file in rooms.flatMap(\.files) {
            for name in file.local { counts[name, default: 0] += 1 }
        }
    }

    func isUnique(_ name: String) -> Bool { counts[name] == 1 }
}
