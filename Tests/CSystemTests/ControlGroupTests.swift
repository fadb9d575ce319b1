import CSystem
import Foundation
import Testing

/// Control groups as containers show them, in trees of files that stand for /proc and /sys.
struct ControlGroupTests {
    /// A tree of files, removed with the test.
    private final class Tree {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("hl-groups-\(UUID().uuidString)").path

        init(_ files: [String: String]) throws {
            for (path, text) in files {
                let url = URL(fileURLWithPath: root + path)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: url)
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: root) }

        var processors: Int32 { hl_group_processors(root) }
        func memory(swap: Int = 0) -> Int { hl_group_memory(root, swap) }
    }

    private static let second = "34 24 0:29 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let none = Int(bitPattern: UInt.max)

    /// Version 2: the narrowest of the groups from the process's own up to the top.
    @Test func version2() throws {
        let tree = try Tree([
            "/proc/self/cgroup": "0::/jobs/7\n",
            "/proc/self/mountinfo": "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + Self.second,
            "/sys/fs/cgroup/jobs/7/cpu.max": "max 100000\n", "/sys/fs/cgroup/jobs/cpu.max": "250000 100000\n",
            "/sys/fs/cgroup/jobs/7/memory.max": "3000000000\n", "/sys/fs/cgroup/jobs/7/memory.swap.max": "500000000\n",
            "/sys/fs/cgroup/jobs/memory.max": "max\n",
        ])
        #expect(tree.processors == 3)
        #expect(tree.memory() == 3_000_000_000)
        #expect(tree.memory(swap: 100) == 3_000_000_100 && tree.memory(swap: 1 << 40) == 3_500_000_000)
    }

    /// Version 1: a hierarchy for each controller, mounted under a name of its own, below another one of version 2.
    @Test func version1() throws {
        let tree = try Tree([
            "/proc/self/cgroup":
                "9:name=systemd:/\n4:cpu,cpuacct:/jobs/7\n3:memory:/big/small\n2:cpuset:/other\n0::/\n",
            "/proc/self/mountinfo": """
            31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
            32 31 0:29 / /sys/fs/cgroup/cpu\\040and\\040more rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
            33 31 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw

            """,
            "/sys/fs/cgroup/cpu and more/jobs/7/cpu.cfs_quota_us": "150000\n",
            "/sys/fs/cgroup/cpu and more/jobs/7/cpu.cfs_period_us": "50000\n",
            "/sys/fs/cgroup/cpu and more/jobs/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu and more/jobs/cpu.cfs_period_us": "100000\n",
            // Of no group of ours.
            "/sys/fs/cgroup/cpuset/jobs/7/cpu.cfs_quota_us": "1\n",
            "/sys/fs/cgroup/memory/big/small/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/memory/big/memory.limit_in_bytes": "2000000000\n",
            "/sys/fs/cgroup/memory/big/memory.memsw.limit_in_bytes": "2100000000\n",
        ])
        #expect(tree.processors == 3)
        #expect(tree.memory() == 2_000_000_000)
        #expect(tree.memory(swap: 1 << 40) == 2_100_000_000)
    }

    /// Version 1 in a container that sees its own part of the tree, but is told its group from outside.
    @Test func containersOfVersion1() throws {
        let tree = try Tree([
            "/proc/self/cgroup": "4:cpuacct,cpu:/docker/f00\n3:memory:/docker/f00\n",
            "/proc/self/mountinfo": """
            32 31 0:29 /docker/f00 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
            35 31 0:32 /docker/f00 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
            """,
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "123456789",
        ])
        #expect(tree.processors == 2)
        #expect(tree.memory() == 123_456_789)
    }

    /// Less than a processor is still one; and where the group's folder cannot be seen, what is above it counts.
    @Test func partsOfAProcessor() throws {
        let tree = try Tree([
            "/proc/self/cgroup": "0::/../elsewhere\n", "/proc/self/mountinfo": Self.second,
            "/sys/fs/cgroup/cpu.max": "10000 100000\n", "/sys/fs/cgroup/memory.max": "77\n",
        ])
        #expect(tree.processors == 1)
        #expect(tree.memory() == 77)
    }

    @Test func noGroupsAndNoLimits() throws {
        let empty = try Tree([:])
        #expect(empty.processors == 0 && empty.memory() == Self.none)
        // Lines that are longer than anybody's buffer, before and behind the one that counts.
        let long =
            "40 24 0:60 / /layers rw - overlay overlay rw,lowerdir=" + String(repeating: "/a:", count: 5000) + "\n"
        let files = ["/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": long + Self.second + long]
        let unlimited = try Tree(
            files.merging(["/sys/fs/cgroup/cpu.max": "max 100000\n", "/sys/fs/cgroup/memory.max": "max\n"]) { $1 })
        #expect(unlimited.processors == 0 && unlimited.memory() == Self.none)
        let limited = try Tree(files.merging(["/sys/fs/cgroup/cpu.max": "400000 100000\n"]) { $1 })
        #expect(limited.processors == 4)
        let odd = try Tree([
            "/proc/self/cgroup": "no colons\n::\n0:\n", "/proc/self/mountinfo": "\n - \n1 2 3 - cgroup2\n",
        ])
        #expect(odd.processors == 0 && odd.memory() == Self.none)
    }
}
