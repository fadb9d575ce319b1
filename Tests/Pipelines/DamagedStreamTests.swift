import HLFormats
import TestSupport
import Testing

/// Streams that were cut off or changed on their way are noticed by every reader, which then writes no end record.
struct DamagedStreamTests {
    /// Short enough to be cut at every byte.
    private func shortStream(_ space: Workspace, perturbed: Bool) throws -> [UInt8] {
        try space.succeed("hl-sample -n 1\(perturbed ? " | hl-perturb --chunks 1-5" : "") > short.hls")
        return try space.bytes("short.hls")
    }

    @Test func cutAtEveryByte() throws {
        let space = try Workspace()
        let whole = try shortStream(space, perturbed: false)
        // One shell for all cuts; it prints the cuts after which the program did not say exactly what it should.
        let outcome = try space.run(
            """
            for ((cut = 0; cut < \(whole.count); cut++)); do
              head -c $cut short.hls | hl-view --info --threads 1 > out 2> err
              status=$?
              mapfile -t lines < err
              [[ $status = 65 && ${#lines[@]} = 1 && ${lines[0]} = "hl-view: error: "*:* ]] || echo $cut
              # The header may be there, but not a word of what only a whole stream has.
              ! grep -qE '^(tensor|samples) ' out || echo $cut
            done
            """)
        #expect(outcome.status == 0)
        #expect(outcome.text == "", "cuts that hl-view took wrongly")
        #expect(try space.run("hl-view --info short.hls").status == 0)
    }

    @Test(arguments: [
        "hl-delta --json", "hl-perturb", "hl-view --rows 3", "hl-encode --untrained --width 4 --backend plain",
    ])
    func cutHereAndThere(command: String) throws {
        let space = try Workspace()
        let whole = try shortStream(space, perturbed: command == "hl-delta --json")
        for cut in stride(from: 0, to: whole.count, by: 41) + [whole.count - 2, whole.count - 1] {
            try space.write(whole[..<cut], to: "cut.hls")
            let outcome = try space.fail(65, "\(command) < cut.hls")
            #expect(!StreamContent.isWhole(outcome.output))
            // A pipe may have carried the records before the cut; a report or a picture is all or nothing.
            if command != "hl-perturb" && !command.hasPrefix("hl-encode") { #expect(outcome.output.isEmpty) }
        }
    }

    @Test func cutFilesLeaveNoFile() throws {
        let space = try Workspace()
        let whole = try shortStream(space, perturbed: false)
        for cut in [0, 1, 300, whole.count - 1] {
            try space.write(whole[..<cut], to: "cut.hls")
            try space.fail(65, "hl-perturb cut.hls -o out.hls")
            try space.fail(65, "hl-sample --from cut.hls -o out.hls")
            try space.fail(65, "hl-encode --untrained --width 4 cut.hls -o out.hls")
            try space.fail(65, "hl-train --width 4 --batch 2 -n 2 cut.hls -o out.hls")
            try space.fail(65, "hl-train --width 4 --batch 2 --epochs 2 cut.hls -o out.hls")
            try space.fail(65, "hl-probe --train cut.hls --test short.hls --untrained --width 4")
            #expect(try space.names() == ["cut.hls", "short.hls"])
        }
    }

    /// A flipped bit is refused, or it is one that means nothing (zstd's header has some).
    @Test func flippedBits() throws {
        let space = try Workspace()
        let whole = try shortStream(space, perturbed: false)
        let undisturbed = try space.succeed("hl-perturb --threads 1 < short.hls").output
        for position in stride(from: 0, to: whole.count, by: 7) {
            var bytes = whole
            bytes[position] ^= 1 << (position / 7 % 8)
            try space.write(bytes, to: "flipped.hls")
            let outcome = try space.run("hl-perturb --threads 1 < flipped.hls")
            if outcome.status == 0 {
                #expect(outcome.output == undisturbed, "byte \(position)")
            } else {
                #expect([65, 78].contains(outcome.status), "byte \(position): \(outcome.errors)")
                #expect(outcome.errorLines.count == 1)
                #expect(outcome.errors.hasPrefix("hl-perturb: error: "))
                #expect(!StreamContent.isWhole(outcome.output))
            }
        }
    }

    private static let readers = [
        "hl-perturb", "hl-delta", "hl-view", "hl-view --info", "hl-encode --untrained --width 4",
        "hl-train --width 4", "hl-probe --train - --test other.hls",
    ]

    @Test(arguments: readers)
    func emptyInputAndText(reader: String) throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 2 > other.hls")
        #expect(try space.fail(65, "\(reader) < /dev/null").output.isEmpty)
        #expect(try space.fail(65, "echo 'id,z0,z1' | \(reader)").output.isEmpty)
        #expect(try space.fail(65, "head -c 5000 /dev/zero | \(reader)").output.isEmpty)
        #expect(try space.fail(65, "zstd -qc < /etc/passwd 2>/dev/null | \(reader)").output.isEmpty)
    }

    @Test func whatFollowsAStream() throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 2 > a.hls")
        try space.fail(65, "(cat a.hls; echo more) | hl-view --info")
        try space.fail(65, "(cat a.hls; tail -c +9 a.hls) | hl-view --info")
        // Skippable frames are skipped anywhere.
        try space.succeed("(printf '\\x50\\x2a\\x4d\\x18\\x03\\x00\\x00\\x00abc'; cat a.hls) | hl-view --info")
    }

    /// A broken stage is noticed by every later one, without pipefail.
    @Test func killedUpstream() throws {
        let space = try Workspace()
        let killed = "(hl-sample & pid=$!; sleep 0.3; kill -9 $pid; wait $pid)"
        #expect(try space.statuses("\(killed) | hl-perturb | hl-delta") == [137, 65, 65])
        let broken = "hl-sample --size 32 --batch 8 | head -c 30000"
        #expect(
            try space.statuses("\(broken) | hl-perturb | hl-train --width 16 --batch 8 -n 8000") == [0, 0, 65, 65])
        #expect(!space.exists("encoder.safetensors"))
    }
}
