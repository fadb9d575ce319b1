import Foundation
import TestSupport
import Testing

/// Runs the cases. One more case is one more file in `cases`.
struct SnapshotTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("cases").path
    static let isUpdating = !(ProcessInfo.processInfo.environment["HL_UPDATE_SNAPSHOTS"] ?? "").isEmpty

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
        $0.hasSuffix(".case")
    }.sorted()

    /// Every program has a case for what it says of itself.
    @Test func programsSpeakOfThemselves() {
        for program in Programs.names { #expect(Self.names.contains("\(program)-help.case"), "\(program)") }
    }

    @Test(arguments: names) func snapshot(name: String) throws {
        let path = "\(Self.folder)/\(name)"
        var snapshot = try SnapshotCase(parsing: String(contentsOfFile: path, encoding: .utf8))
        let space = try Workspace()
        for (index, part) in snapshot.parts.enumerated() {
            guard case .step(let step) = part else { continue }
            let script = "export TESTS='\(Programs.tests)'; set -eo pipefail\n" + step.command.joined(separator: "\n")
            let outcome = try space.run(script)
            let found = step.found(output: outcome.output, errors: outcome.errors, status: outcome.status)
            if Self.isUpdating {
                snapshot.parts[index] = .step(found)
            } else {
                #expect(found.text == step.text, "\(name)")
            }
        }
        // A file that nothing would change is not touched.
        if Self.isUpdating, snapshot != (try SnapshotCase(parsing: String(contentsOfFile: path, encoding: .utf8))) {
            try snapshot.text.write(toFile: path, atomically: true, encoding: .utf8)
        }
    }
}

/// The format itself.
struct SnapshotFormatTests {
    private static let text = """
        # What it is about.

        $ first |
        >   second
        | one
        |
        | three
        ! trouble
        = 65

        $ third

        """

    @Test func readsAndWrites() throws {
        let snapshot = try SnapshotCase(parsing: Self.text)
        #expect(snapshot.text == Self.text)
        #expect(snapshot.steps.map(\.command) == [["first |", "  second"], ["third"]])
        #expect(snapshot.steps[0].output == ["one", "", "three"] && snapshot.steps[0].errors == ["trouble"])
        #expect(snapshot.steps.map(\.status) == [65, 0])
    }

    @Test(arguments: [
        "", "# only words\n", "| output\n", "$ a\nb\n", "$ a\n| b\n> c\n", "$ a\n= 0\n", "$ a\n= x\n", "$ a\n| <...>\n",
        "$ a\n| (binary)\n",
    ])
    func refuses(text: String) { #expect(throws: SnapshotCase.Problem.self) { try SnapshotCase(parsing: text) } }

    @Test func differencesAreFound() throws {
        let step = try #require(try SnapshotCase(parsing: Self.text).steps.first)
        #expect(step.found(output: Array("one\n\nthree\n".utf8), errors: "trouble\n", status: 65) == step)
        for (output, errors, status) in [
            ("one\n\nthree", "trouble\n", 65), ("one\n\nthree\nfour\n", "trouble\n", 65), ("one\n\nthree\n", "", 65),
            ("one\n\nthree\n", "trouble\n", 0), ("", "trouble\n", 65), ("one\n\nThree\n", "trouble\n", 65),
        ] as [(String, String, Int32)] {
            #expect(step.found(output: Array(output.utf8), errors: errors, status: status) != step)
        }
        #expect(step.found(output: [0, 1], errors: "", status: 0).output == ["(binary)"])
    }

    @Test(arguments: [
        ("a", "a", true), ("a", "ab", false), ("a<*>", "abc", true), ("<*>c", "abc", true),
        ("a<*>b<*>c", "a1b2c", true),
        ("a<*>b<*>c", "a1c", false), ("<*>ab<*>", "ba", false), ("ab<*>bc", "abc", false), ("*", "x", false),
    ])
    func lines(pattern: String, line: String, matches: Bool) { #expect(Pattern.matches(pattern, line) == matches) }

    @Test func patternsStay() {
        #expect(Pattern.adopting(["a", "<...>", "c<*>"], ["a", "x", "y", "c1"]) == ["a", "<...>", "c<*>"])
        #expect(Pattern.adopting(["a", "<...>"], ["a"]) == ["a", "<...>"])
        #expect(Pattern.adopting(["v <*>", "b"], ["v 2", "c"]) == ["v <*>", "c"])
        #expect(Pattern.adopting(["<...>", "b"], ["v 2", "c"]) == ["v 2", "c"])
    }
}
