import Glibc

/// A pseudoterminal that nobody looks at.
final class Terminal {
    /// Opens like any file, and is a terminal.
    let path: String
    private let master: Int32
    /// Kept open, else the terminal hangs up whenever a program closes it.
    private let held: Int32

    init?() {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // Glibc's own functions for this are hidden from Swift by a feature macro.
        let getNumber: UInt = 0x8004_5430, setLock: UInt = 0x4004_5431
        var number: Int32 = -1, unlocked: Int32 = 0
        guard master >= 0, ioctl(master, setLock, &unlocked) == 0, ioctl(master, getNumber, &number) == 0 else {
            close(master)
            return nil
        }
        path = "/dev/pts/\(number)"
        held = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        if held < 0 {
            close(master)
            return nil
        }
    }

    deinit {
        close(held)
        close(master)
    }
}
