import Foundation

/// A Swift file: the names that it declares for others, and its tokens.
struct SourceFile {
    /// The part of the file's name before `+` or `.`: a type and its topics are one.
    let part: String
    let tokens: [String]
    /// Types, functions and values at the top, but for private ones.
    private(set) var top: Set<String> = []
    /// What it adds to types, by the type that is extended.
    private(set) var members: [(name: String, of: String)] = []
    /// Every name that it declares anywhere, at whatever depth.
    private(set) var local: Set<String> = []

    private enum Scope {
        case type, function
        case extending(String)
    }

    private static let types: Set<String> = [
        "struct", "class", "enum", "protocol", "actor", "typealias", "associatedtype",
    ]
    private static let values: Set<String> = ["func", "var", "let", "case", "for"]
    private static let modifiers: Set<String> = [
        "private", "fileprivate", "package", "public", "open", "internal", "static", "final", "class", "override",
        "mutating", "nonmutating", "nonisolated", "unsafe", "lazy", "weak", "convenience", "required", "indirect",
        "set",
        "(", ")",
    ]

    init(path: String) throws {
        let name = (path as NSString).lastPathComponent
        part = name.prefix { $0 != "+" && $0 != "." }.description
        tokens = Tokens(try String(contentsOfFile: path, encoding: .utf8)).all
        collect()
    }

    private mutating func collect() {
        var scopes: [Scope] = [], pending: Scope?
        for (index, token) in tokens.enumerated() {
            let next = index + 1 < tokens.count ? tokens[index + 1] : ""
            switch token {
            case "{":
                scopes.append(pending ?? .function)
                pending = nil
            case "}": _ = scopes.popLast()
            case "extension":
                // The last word of `A.B` says what is extended.
                var end = index + 1
                while end + 2 < tokens.count && tokens[end + 1] == "." { end += 2 }
                pending = .extending(tokens[end])
            case _ where Self.types.contains(token) || Self.values.contains(token):
                guard let first = next.unicodeScalars.first, first.properties.isXIDStart, !Self.values.contains(next)
                else { continue }
                // `.case` and `.let` are no declarations, and neither are `class func` and `class var`.
                if index > 0 && tokens[index - 1] == "." { continue }
                local.insert(next)
                if Self.types.contains(token) && token != "typealias" && token != "associatedtype" { pending = .type }
                if !isPrivate(before: index) { note(next, in: scopes, isCase: token == "case" || token == "for") }
            case ":" where index > 0:
                // Parameters, labels and typed values hide names from outside.
                local.insert(tokens[index - 1])
            default: break
            }
        }
    }

    private mutating func note(_ name: String, in scopes: [Scope], isCase: Bool) {
        guard let scope = scopes.last else {
            if !isCase { top.insert(name) }
            return
        }
        if case .extending(let type) = scope, scopes.count == 1 { members.append((name, type)) }
    }

    private func isPrivate(before index: Int) -> Bool {
        var index = index - 1
        while index >= 0, Self.modifiers.contains(tokens[index]) {
            if tokens[index].hasSuffix("private") {
                // private(set) hides the setter alone.
                return !(index + 2 < tokens.count && tokens[index + 1] == "(" && tokens[index + 2] == "set")
            }
            index -= 1
        }
        return false
    }
}
