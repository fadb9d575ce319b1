import Glibc

/// The terminal that stderr is, if it is one.
enum TerminalScreen {
    /// Of the window of the terminal that a file is; nil where it is none.
    static func size(of descriptor: Int32) -> winsize? {
        var size = winsize()
        return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
    }

    /// Columns.
    static var width: Int {
        guard let size = size(of: STDERR_FILENO), size.ws_col > 20 else { return 80 }
        return Int(size.ws_col)
    }

    /// Rows.
    static var height: Int {
        guard let size = size(of: STDERR_FILENO), size.ws_row > 0 else { return 24 }
        return Int(size.ws_row)
    }

    /// Whether it is one that moves its cursor.
    static let canMove = getenv("TERM").map { !["", "dumb"].contains(String(cString: $0)) } ?? false

    /// Whether standard output goes into a pipe: another program is the last of the pipeline.
    static let outputIsPiped: Bool = {
        var status = stat()
        return fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }()

    /// One call of write, so that lines of several programs on one terminal do not mix.
    static func emit(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
