import TestSupport
import Testing

/// Where logs and outputs go that are no files of their own.
struct LogTests {
    private static let train = "hl-train -q --width 4 --backend plain --batch 4 -n 8 p.hls -o e.safetensors"
    private static let lines = ["{\"step\":1,\"samples\":4", "{\"step\":2,\"samples\":8"]

    private func workspace() throws -> Workspace {
        let space = try Workspace()
        try space.succeed("hl-sample -n 8 --size 32 | hl-perturb -o p.hls")
        return space
    }

    private func steps(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.split(separator: ",").prefix(2).joined(separator: ",") }
    }

    @Test func standardOutput() throws {
        let space = try workspace()
        #expect(steps(try space.succeed("\(Self.train) --log -").text) == Self.lines)
        #expect(try space.names() == ["e.safetensors", "p.hls"])
    }

    /// What a shell has opened for appending is appended to.
    @Test(arguments: [
        ("--log /dev/stderr", "2>> all.log"), ("--log /dev/stdout", ">> all.log"), ("--log -", ">> all.log"),
        ("--log /dev/fd/7", "7>> all.log"), ("--log /proc/self/fd/8", "8>> all.log"),
    ]) func openDescriptors(option: String, redirection: String) throws {
        let space = try workspace()
        try space.write("before\n".utf8, to: "all.log")
        for _ in 0..<2 { try space.succeed("\(Self.train) \(option) \(redirection)") }
        #expect(steps(try space.text("all.log")) == ["before"] + Self.lines + Self.lines)
    }

    /// A file begins anew.
    @Test func files() throws {
        let space = try workspace()
        try space.write("before\n".utf8, to: "log")
        for _ in 0..<2 { try space.succeed("\(Self.train) --log log") }
        #expect(steps(try space.text("log")) == Self.lines)
        try space.fail(73, "\(Self.train) --log nowhere/log", saying: "give another --log")
        try space.fail(73, "\(Self.train) --log /dev/fd/99", saying: "give another --log")
    }

    /// A training is worth more than its log.
    @Test(arguments: ["-", "/dev/stdout"]) func aReaderThatGoes(log: String) throws {
        let space = try workspace()
        let statuses = try space.statuses("\(Self.train) --log \(log) | true")
        #expect(statuses == [0, 0])
        #expect(space.exists("e.safetensors"))
    }

    /// A report that goes where a shell has opened a file does not replace that file.
    @Test func outputs() throws {
        let space = try workspace()
        try space.write("before\n".utf8, to: "all")
        try space.succeed("hl-view --info -o /dev/stdout p.hls >> all; hl-view --info -o /dev/fd/5 p.hls 5>> all")
        let info = try space.succeed("hl-view --info p.hls").text
        #expect(try space.text("all") == "before\n" + info + info)
        try space.fail(73, "hl-sample -n 4 -o /dev/fd/99")
        // A stream in place of a file.
        try space.succeed("hl-sample -n 8 -o /dev/stdout > made.hls; hl-view --info made.hls")
    }
}
