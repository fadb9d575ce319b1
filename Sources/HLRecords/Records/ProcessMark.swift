import Glibc
import HLFormats

/// A process, told from all others that ever had its number: by the boot of the machine, the time of its start, and the
/// space that its number is of.
package struct ProcessMark: Sendable, Equatable {
    package let pid: Int
    /// Clock ticks from the boot to its start.
    package let start: Int
    /// The kernel's id of the boot; empty where the system has none.
    package let boot: String
    /// Such as `pid:[4026531836]`; containers have their own.
    package let space: String

    package init(pid: Int, start: Int, boot: String, space: String) {
        self.pid = pid
        self.start = start
        self.boot = boot
        self.space = space
    }

    /// This process.
    package static let own = ProcessMark(
        pid: Int(getpid()), start: state(of: "self")?.start ?? 0, boot: currentBoot, space: currentSpace)

    /// Whether the process runs.
    /// - Returns: nil where nobody here can know: it is of another machine or container.
    package var isAlive: Bool? {
        guard !boot.isEmpty, boot == Self.currentBoot, space == Self.currentSpace else { return nil }
        guard let state = Self.state(of: String(pid)) else { return false }
        return state.start == start && !"ZX".contains(state.letter)
    }

    private static let currentBoot = SystemText.line("/proc/sys/kernel/random/boot_id") ?? ""

    private static let currentSpace: String = {
        var target = [CChar](repeating: 0, count: 256)
        let count = readlink("/proc/self/ns/pid", &target, target.count)
        return count > 0 ? String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
    }()

    /// Fields 3 and 22 of `/proc/PID/stat`; the second, the program's name, may hold anything.
    private static func state(of process: String) -> (letter: Character, start: Int)? {
        guard let text = SystemText.read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let letter = fields[0].first, let start = Int(fields[19]) else { return nil }
        return (letter, start)
    }

    var json: JSONValue {
        [
            "pid": .integer(Int64(pid)), "start": .integer(Int64(start)), "boot": .string(boot),
            "space": .string(space),
        ]
    }

    init?(_ json: JSONValue?) {
        guard let pid = json?["pid"]?.integer, let start = json?["start"]?.integer else { return nil }
        self.init(
            pid: Int(pid), start: Int(start), boot: json?["boot"]?.string ?? "", space: json?["space"]?.string ?? "")
    }
}
