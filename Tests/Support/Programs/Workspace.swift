import Foundation
import Glibc
import Testing

/// A folder of its own for one test, with the programs on the PATH; removed with the test.
package final class Workspace {
    package let path: String
    private var runs = 0

    package init() throws {
        try #require(Programs.missing.isEmpty, "build the programs first, or name their folder in HL_BIN")
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hl-pipe-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// What a script left.
    package struct Outcome {
        package let status: Int32
        package let output: [UInt8]
        package let errors: String

        package var text: String { String(decoding: output, as: UTF8.self) }
        package var errorLines: [Substring] { errors.split(separator: "\n") }
    }

    package func start(_ script: String) throws -> Child {
        runs += 1
        return try Child(script, in: path, output: file(".out\(runs)"), errors: file(".err\(runs)"))
    }

    /// Runs a bash script, without pipefail unless it says so itself.
    package func run(_ script: String, limit: Int = 120) throws -> Outcome {
        let child = try start(script)
        let (output, errors) = (file(".out\(runs)"), file(".err\(runs)"))
        let status = try child.wait(limit: limit)
        defer {
            unlink(output)
            unlink(errors)
        }
        return Outcome(
            status: status, output: try bytes(output), errors: String(decoding: try bytes(errors), as: UTF8.self))
    }

    /// Runs a script that has to succeed in every stage and to say nothing on stderr.
    @discardableResult
    package func succeed(_ script: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Outcome {
        let outcome = try run("set -eo pipefail; " + script)
        #expect(outcome.status == 0, "\(script): \(outcome.errors)", sourceLocation: sourceLocation)
        #expect(outcome.errors.isEmpty, "\(script)", sourceLocation: sourceLocation)
        return outcome
    }

    /// Runs a script whose last program has to fail with `status` and one line of error.
    @discardableResult
    package func fail(
        _ status: Int32, _ script: String, saying part: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let outcome = try run(script)
        #expect(outcome.status == status, "\(script): \(outcome.errors)", sourceLocation: sourceLocation)
        #expect(outcome.errorLines.count == 1, "\(script): \(outcome.errors)", sourceLocation: sourceLocation)
        let isError = outcome.errors.wholeMatch(of: /hl-[a-z]+( [a-z]+)?: error: [^\n]+: [^\n]+\n/) != nil
        #expect(isError, "\(script): \(outcome.errors)", sourceLocation: sourceLocation)
        #expect(part.isEmpty || outcome.errors.contains(part), "\(script)", sourceLocation: sourceLocation)
        return outcome
    }

    /// Runs a pipe and returns the status of each of its stages. What they print is discarded.
    package func statuses(_ pipe: String) throws -> [Int] {
        let outcome = try run("exec 9>&1 >/dev/null 2>/dev/null; \(pipe); echo ${PIPESTATUS[*]} >&9")
        return outcome.text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    }

    /// Words of bash that write about so many samples of an endless stream and then nothing, without ending it: a run
    /// that reads them is still there when a signal comes, however late a busy machine lets the test send it.
    /// - Parameter stream: a pipe that `hl-sample` begins, without -n and with a small --batch, which is the grain.
    package func stalling(_ stream: String, after samples: Int) throws -> String {
        let finite = stream.replacing("hl-sample", with: "hl-sample -n \(samples)", maxReplacements: 1)
        let length = try succeed("\(finite) | wc -c").text.filter(\.isNumber)
        return "{ \(stream) | head -c \(length); exec sleep 600; }"
    }

    // MARK: Files

    package func file(_ name: String) -> String { name.hasPrefix("/") ? name : path + "/" + name }

    package func exists(_ name: String) -> Bool { access(file(name), F_OK) == 0 }

    package func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: file(name))))
    }

    package func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }

    package func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    }

    /// All names in the folder but those of captured output.
    package func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path)
            .filter { !$0.hasPrefix(".out") && !$0.hasPrefix(".err") }.sorted()
    }

    /// A number that another one replaces whenever the file is replaced; nil where there is none.
    package func identity(_ name: String) -> UInt? {
        var status = stat()
        guard stat(file(name), &status) == 0 else { return nil }
        return UInt(status.st_ino) &+ UInt(bitPattern: status.st_mtim.tv_nsec) << 20
    }
}
