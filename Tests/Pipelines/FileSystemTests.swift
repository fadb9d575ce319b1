import TestSupport
import Testing

/// File systems that lack something.
struct FileSystemTests {
    /// One that cannot synchronise a file says so by one of three errors; what was written is written all the same. Any
    /// other error means that it is not.
    @Test(
        .enabled(if: Programs.isInstalled("cc"), "needs a C compiler"),
        arguments: [("EINVAL", 0), ("ENOSYS", 0), ("EOPNOTSUPP", 0), ("EIO", 74), ("ENOSPC", 74)] as [(String, Int32)])
    func fsync(name: String, status: Int32) throws {
        let space = try Workspace()
        try space.write(
            "#include <errno.h>\nint fsync(int file) { (void)file; errno = \(name); return -1; }\n".utf8, to: "fsync.c")
        try space.succeed(
            "cc -shared -fPIC -o fsync.so fsync.c; hl-sample -n 16 --size 32 | hl-perturb > p.hls; hl-sample -n 3 > d.hls"
        )
        for (command, file) in [
            ("hl-sample -n 3", "a.hls"), ("hl-view p.hls", "a.png"),
            ("hl-train -q --width 4 --backend plain --batch 8 -n 16 --checkpoint-every 0 p.hls", "a.safetensors"),
        ] {
            let outcome = try space.run("LD_PRELOAD=$PWD/fsync.so \(command) -o \(file)")
            #expect(outcome.status == status, "\(command): \(outcome.errors)")
            #expect(space.exists(file) == (status == 0))
        }
        #expect(try !space.names().contains { $0.hasSuffix(".tmp") })
    }
}
