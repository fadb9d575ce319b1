import Foundation
import TestSupport

/// What a page shows in its own lines, as the reader copies it: a literal block of mdoc, an indented or fenced block of
/// Markdown, or a whole command inside a paragraph of Markdown.
struct Example: CustomStringConvertible {
    /// Below the folder of the sources.
    let page: String
    /// Where it begins, from 1.
    let line: Int
    let text: String

    var firstLine: String { String(text.prefix { $0 != "\n" }) }
    /// Whether it is what a program prints for people, a message or progress, whose lines begin with the program's
    /// name.
    var isPrinted: Bool { text.prefixMatch(of: #/hl-[a-z]+( [a-z]+)?: /#) != nil }

    var description: String { "\(page):\(line): \(firstLine)" }

    static let sources = URL(fileURLWithPath: Programs.tests).deletingLastPathComponent().path

    /// All pages that have examples: those of `man`, and what is read first.
    static let pages: [String] = {
        let man = (try? FileManager.default.contentsOfDirectory(atPath: "\(sources)/man")) ?? []
        return man.filter { $0.wholeMatch(of: /.*\.[1-8]/) != nil }.sorted().map { "man/\($0)" }
            + ["README.md", "examples/README.md"]
    }()

    static func of(_ page: String) throws -> [Example] {
        let lines = try String(contentsOfFile: "\(sources)/\(page)", encoding: .utf8).components(separatedBy: "\n")
        let found = page.hasSuffix(".md") ? markdown(lines) : mdoc(lines)
        return found.map { Example(page: page, line: $0.line, text: $0.text) }
    }

    private typealias Found = (line: Int, text: String)

    /// `.Dl` lines and `.Bd -literal` blocks. Of escapes they have those of single characters alone.
    private static func mdoc(_ lines: [String]) -> [Found] {
        var found: [Found] = []
        var block: [String]?
        for (index, line) in lines.enumerated() {
            if line.hasPrefix(".Bd -literal") {
                block = []
            } else if line == ".Ed", let text = block {
                found.append((index + 1 - text.count, text.joined(separator: "\n")))
                block = nil
            } else if block != nil {
                block?.append(plain(line))
            } else if line.hasPrefix(".Dl ") {
                found.append((index + 1, plain(String(line.dropFirst(4)))))
            }
        }
        return found
    }

    private static func plain(_ line: String) -> String {
        let escapes = [
            ("\\&", ""), ("\\-", "-"), ("\\(aq", "'"), ("\\(dq", "\""), ("\\(ti", "~"), ("\\(ha", "^"), ("\\e", "\\"),
        ]
        return escapes.reduce(line) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }

    /// Indented blocks, fenced ones, and code inside paragraphs that is a whole command: it begins with a program and
    /// has a pipe or names its output, or it is a call of make.
    private static func markdown(_ lines: [String]) -> [Found] {
        var found: [Found] = []
        var block: [String] = [], paragraph: [String] = []
        var isFenced = false
        func endBlock(at index: Int) {
            while block.last?.isEmpty == true { block.removeLast() }
            if !block.isEmpty { found.append((index + 1 - block.count, block.joined(separator: "\n"))) }
            block = []
        }
        func endParagraph(at index: Int) {
            let parts = paragraph.joined(separator: " ").components(separatedBy: "`")
            for part in stride(from: 1, to: parts.count, by: 2).map({ parts[$0] }) {
                let isCommand = part.hasPrefix("hl-") && (part.contains(" | ") || part.contains(" -o "))
                if isCommand || part.hasPrefix("make ") { found.append((index + 1 - paragraph.count, part)) }
            }
            paragraph = []
        }
        for (index, line) in (lines + [""]).enumerated() {
            if line.hasPrefix("```") {
                if isFenced { endBlock(at: index) } else { endParagraph(at: index) }
                isFenced.toggle()
            } else if isFenced {
                block.append(line)
            } else if line.hasPrefix("    "), paragraph.isEmpty {
                block.append(String(line.dropFirst(4)))
            } else if line.isEmpty {
                endParagraph(at: index)
                if !block.isEmpty { block.append("") }
            } else {
                endBlock(at: index)
                paragraph.append(line)
            }
        }
        endBlock(at: lines.count)
        return found
    }
}
