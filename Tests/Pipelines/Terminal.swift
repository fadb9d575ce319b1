import Glibc

/// A pseudoterminal, and who sits before it.
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

    /// Keys that are pressed, and the size of the window.
    func type(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(master, $0.baseAddress, $0.count) }
    }

    func resize(columns: UInt16) {
        var size = winsize(ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    /// What has come up on the screen since the last call, control sequences included.
    func read(waiting milliseconds: Int32) -> String {
        var request = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, milliseconds) > 0 else { return "" }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(master, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }

    deinit {
        close(held)
        close(master)
    }
}
