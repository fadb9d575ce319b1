import TestSupport
import Testing

/// Memory that is not there: programs work within their limit, or end with one line and status 71 (`ulimit -v`, `-d`).
struct MemoryTests {
    private static let commands = [
        "hl-sample -q -n 64 --size 128 --render -o made",
        "hl-perturb -q --views 2 --render -o made anchors.hls",
        "hl-encode -q --untrained --width 8 --side 32 -o made pairs.hls",
        "hl-train -q --width 8 --batch 8 -n 8 -o made pairs.hls",
        "hl-train -q --backend plain --width 8 --batch 8 -n 8 -o made pairs.hls",
    ]

    private static let given = ["anchors.hls", "pairs.hls"]

    /// A folder with the streams that the commands read.
    private func workspace() throws -> Workspace {
        let space = try Workspace()
        try space.succeed("hl-sample -n 16 --size 32 -o anchors.hls; hl-perturb -o pairs.hls anchors.hls")
        return space
    }

    /// Runs a command under a limit and checks how it ends.
    ///
    /// - Parameter limit: such as "-v 300000", in units of 1024 bytes.
    /// - Returns: its status.
    private func run(_ command: String, _ limit: String, in space: Workspace) throws -> Int32 {
        let outcome = try space.run("ulimit -c 0; ulimit \(limit); exec \(command) --threads 2", limit: 60)
        let what: Comment = "\(command) under ulimit \(limit): \(outcome.status), \(outcome.errors)"
        switch outcome.status {
        case 0: #expect(outcome.errors.isEmpty, what)
        case 127: break  // the loader cannot map the program
        default:
            #expect(outcome.status == 70 || outcome.status == 71, what)
            #expect(outcome.errors.wholeMatch(of: /hl-[a-z]+: error: [^\n]+: [^\n]+\n/) != nil, what)
        }
        #expect(try space.names() == ((outcome.status == 0 ? Self.given + ["made"] : Self.given).sorted()), what)
        try space.succeed("rm -f made")
        return outcome.status
    }

    @Test(arguments: commands)
    func worksOrSaysSo(command: String) throws {
        let space = try workspace()
        var statuses: [Int32] = []
        for limit in [130_000, 200_000, 320_000, 480_000, 620_000, 3_000_000] {
            statuses.append(try run(command, "-v \(limit)", in: space))
        }
        // More memory is never worse.
        #expect(statuses == statuses.sorted(by: >))
        #expect(statuses.last == 0)
    }

    @Test func limitOfData() throws {
        let space = try workspace()
        for command in Self.commands {
            for limit in [40_000, 120_000] { _ = try run(command, "-d \(limit)", in: space) }
            #expect(try run(command, "-d 2500000", in: space) == 0)
        }
    }

    @Test func tellsWhatToLower() throws {
        let space = try workspace()
        func refused(_ script: String, _ parts: String...) throws {
            let outcome = try space.fail(71, "ulimit -c 0; \(script)", saying: "out of memory")
            for part in parts { #expect(outcome.errors.contains(part), "\(script): \(outcome.errors)") }
        }
        // A record of 201 MB and more; its file has been opened by then.
        try refused(
            "ulimit -v 300000; exec hl-sample -n 256 --size 512 --batch 256 --render -o made", " MB wanted",
            "ulimit -v", "--batch")
        try refused(
            "ulimit -v 300000; exec hl-encode -q --threads 2 --untrained --side 32 pairs.hls", " on 2 threads",
            "--threads")
        try refused(
            "ulimit -v 900000; exec hl-train --threads 2 --arch resnet50 --batch 16 -n 16 -o made pairs.hls",
            "--batch, --width or --threads")
        #expect(try space.names() == Self.given)
    }

    /// Who reads from a program that ran out of memory does not take its output for whole.
    @Test func readersNotice() throws {
        let space = try workspace()
        let statuses = try space.statuses(
            "(ulimit -c 0; ulimit -v 300000; exec hl-sample -n 256 --size 512 --batch 256 --render)"
                + " | hl-perturb -o made")
        #expect(statuses == [71, 65])
        #expect(try space.names() == Self.given)
    }
}
