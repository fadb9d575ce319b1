import Glibc
import TestSupport
import Testing

/// Limits on processes and processor time: programs work within them, or end with one line and status 71.
struct LimitTests {
    /// Runs as nobody, whom limits on processes hold, unlike root; the programs may lie in a folder of root's.
    private static let asNobody =
        "setpriv --reuid=nobody --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    private static let canBeNobody = getuid() == 0 && Programs.isInstalled("setpriv")

    /// OpenBLAS and the runtime of oneDNN's threads end the process where they cannot start a thread, and the system's
    /// queues wait for ever.
    @Test(
        .enabled(if: canBeNobody, "needs root and setpriv"),
        arguments: [
            "hl-train -q --width 4 --batch 8 -n 8 -o n/made",
            "hl-train -q --backend plain --width 4 --batch 8 -n 8 -o n/made",
            "hl-encode -q --untrained --width 4 --side 32 -o n/made", "hl-perturb --render --views 2 -o n/made",
            "hl-view -o n/made", "hl-delta --figure n/made",
        ])
    func processes(command: String) throws {
        let space = try Workspace()
        try space.succeed("hl-sample -n 64 --size 32 | hl-perturb --views 2 -o pairs.hls; chmod 777 .; mkdir -m 777 n")
        let input = command.contains("hl-perturb") ? "anchors.hls" : "pairs.hls"
        try space.succeed("hl-sample -n 64 --size 32 -o anchors.hls")
        var statuses: [Int32] = []
        for limit in [1, 2, 3, 4, 6, 40] {
            let outcome = try space.run(
                "\(Self.asNobody) bash -c 'ulimit -u \(limit); exec \(command) --threads 2 \(input)' > report",
                limit: 30)
            let what: Comment = "\(command) under ulimit -u \(limit): \(outcome.status), \(outcome.errors)"
            if outcome.status == 0 {
                #expect(outcome.errors.isEmpty, what)
            } else {
                #expect(outcome.status == 71, what)
                #expect(outcome.errors.wholeMatch(of: /hl-[a-z]+: error: cannot start [^\n]+: [^\n]+\n/) != nil, what)
                #expect(outcome.errors.contains("ulimit -u is \(limit)"), what)
            }
            statuses.append(outcome.status)
            try space.succeed("rm -rf n/*")
        }
        // More is never worse.
        #expect(statuses == statuses.sorted(by: >))
        #expect(statuses.first == 71 && statuses.last == 0)
    }

    /// One thread alone needs no queues and no libraries' threads.
    @Test(.enabled(if: canBeNobody, "needs root and setpriv")) func oneThread() throws {
        let space = try Workspace()
        try space.succeed("chmod 777 .")
        try space.succeed(
            "\(Self.asNobody) bash -c 'ulimit -u 1; exec hl-sample -n 4 --size 32 --threads 1 --render -o a.hls'")
    }

    /// A program of the user's is a process too.
    @Test(.enabled(if: canBeNobody, "needs root and setpriv")) func noProcessLeft() throws {
        let space = try Workspace()
        try space.fail(
            71,
            """
            \(Self.asNobody) bash -c 'ulimit -u 1; exec hl-sample -n 4 --threads 1 --render --size 32 --latent-shape 6x20 \
              --generator exec:cat' > made
            """, saying: "cannot start a program")
    }

    private static let groups = "/sys/fs/cgroup/cpu"

    /// Without --threads a container's quota counts, rounded up.
    @Test(.enabled(if: access(groups + "/cpu.shares", W_OK) == 0 && getuid() == 0, "needs control groups of its own"))
    func quota() throws {
        let space = try Workspace()
        for (quota, threads) in [(100_000, 1), (30_000, 1), (150_000, 2)] {
            let outcome = try space.run(
                """
                group=\(Self.groups)/hl-test-$$; mkdir $group || exit
                echo 100000 > $group/cpu.cfs_period_us; echo \(quota) > $group/cpu.cfs_quota_us
                (echo $BASHPID > $group/cgroup.procs; exec hl-sample -v -n 1 -o a.hls); rmdir $group
                """)
            let processors = outcome.errors.firstMatch(of: /([0-9]+) threads/).flatMap { Int($0.1) }
            #expect(processors == min(threads, sysconf(Int32(_SC_NPROCESSORS_ONLN))), "\(outcome.errors)")
        }
    }
}
