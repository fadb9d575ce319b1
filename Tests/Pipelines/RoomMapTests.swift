import Foundation
import TestSupport
import Testing

/// Which files stand on which, of rooms made for the test.
@Suite struct RoomMapTests {
    private func run(_ files: [String: String]) throws -> Workspace.Outcome {
        let space = try Workspace()
        for (name, text) in files {
            let path = space.file("rooms/\(name)")
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try space.write(text.utf8, to: path)
        }
        return try space.run("room-map rooms")
    }

    private let base = [
        "One/Low.swift": "struct Low { let word = \"High(\" } // High",
        "One/sub/Middle.swift": "package struct Middle { var low: Low }",
        "One/High.swift": "enum High { static func make() -> Middle { Middle(low: Low()) } }",
    ]

    @Test func floors() throws {
        let outcome = try run(base)
        #expect(outcome.status == 0)
        #expect(
            outcome.text == """
                One
                  2  High
                  1  Middle
                  0  Low
                no circle

                """)
    }

    /// By a type, by a function, by what an extension adds, and from within a string.
    @Test(arguments: [
        ("struct Low { var high: High? }", "High"), ("extension Middle { func lowered() {} }", "Middle"),
        ("struct Low { func f() { print(\"a \\(High.make()) b\") } }", "High"),
        ("struct Low { /* no */ let made = freeFunction() }", "freeFunction"),
    ])
    func circles(low: String, name: String) throws {
        var files = base
        files["One/Low.swift"] = low.contains("struct Low") ? low : "struct Low {}\n" + low
        files["One/High.swift", default: ""] += "\nfunc freeFunction() -> Int { 1 }"
        let outcome = try run(files)
        #expect(outcome.status == 1)
        #expect(outcome.text.contains("  circle:\n") && outcome.text.contains("Low uses \(name) of "))
        #expect(outcome.text.hasSuffix("circles: 1\n"))
    }

    /// A type and its topics are one part, a private name is no other file's, and rooms do not see each other.
    @Test func noCircles() throws {
        var files = base
        files["One/Low+More.swift"] = "extension Low { var bytes: Bytes { Bytes() } }\nstruct Bytes { var low: Low? }"
        files["One/Low.swift"] = "struct Low { let bytes: Bytes?; private struct High {} ; let high: High? = nil }"
        files["Two/High.swift"] = "struct Other { let low: Low }"
        let outcome = try run(files)
        #expect(outcome.status == 0, "\(outcome.text)")
    }

    @Test func refusals() throws {
        let space = try Workspace()
        #expect(try space.run("room-map").status == 64)
        #expect(try space.run("mkdir empty; room-map empty").status == 66)
        let missing = try space.run("room-map missing")
        #expect(missing.status == 66 && missing.errors.contains("missing"))
    }
}
