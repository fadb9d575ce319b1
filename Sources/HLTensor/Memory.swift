import CSystem

/// Memory that cannot be had. What can be refused in an orderly way is refused here, while there is still room for the
/// small objects and threads whose absence no runtime or library lives through.
///
/// `malloc` itself is watched (CSystem), so that arrays, buffers and what the libraries ask for need no care. What maps
/// memory by other ways asks here. Without a limit (`ulimit -v`, `ulimit -d`) the questions cost nothing.
package enum Memory {
    /// From now on a failed `malloc` ends the process as ``exhausted(_:for:)`` does. To be called before the first
    /// thread starts; until then it is the caller's to deal with.
    ///
    /// - Parameters:
    ///   - program: what the message begins with.
    ///   - remedy: the options to lower, as in "lower --batch".
    package static func watch(program: String, remedy: String) { hl_memory_watch(program, remedy) }

    /// Keeps room for small objects, and for the stacks of threads: a thread that cannot start is waited for, by the
    /// queues that start it, for ever.
    ///
    /// - Parameter threads: how many may be started later on.
    /// - Throws: `Failure` (resources) when there is less than that already.
    package static func keepRoom(threads: Int) throws(Failure) {
        try require(hl_memory_reserve(Int32(threads)), for: "threads and small objects")
        hl_memory_keep(Int32(threads))
    }

    /// Whether a limit is set for this process.
    package static var isLimited: Bool { hl_memory_is_limited() != 0 }

    /// Whether the room that is kept has been touched, so that what was mapped last has to be given back.
    package static var isShort: Bool { hl_memory_is_short() != 0 }

    /// Whether so many bytes more, once written to, are more than the machine or control group has. Reads files; for
    /// tens of megabytes or more.
    package static func isBeyondMachine(_ bytes: Int) -> Bool { hl_memory_is_beyond_machine(bytes) != 0 }

    /// Gives the system back what has been freed. To be called after work that needed much memory for a while, as when
    /// weights pass through the host: malloc keeps what it expects to be asked for again.
    package static func giveBack() { hl_memory_give_back() }

    /// Bytes of address space that one more thread takes.
    package static var threadBytes: Int { hl_memory_thread_bytes() }

    /// - Throws: `Failure` (resources) unless the limits leave room for so many bytes more.
    package static func require(_ bytes: Int, for purpose: String) throws(Failure) {
        // As unsigned numbers: without a limit there is room for UInt.max bytes.
        if UInt(bitPattern: hl_memory_room()) < UInt(bytes) { throw failure(bytes, for: purpose) }
    }

    /// What to throw where memory was refused.
    ///
    /// - Parameters:
    ///   - bytes: the size that was asked for; 0 where only a library knows.
    ///   - purpose: a noun in the plural or with an article, such as "tensors".
    package static func failure(_ bytes: Int = 0, for purpose: String) -> Failure {
        Failure(.resources, text { hl_memory_describe($0, $1, bytes, purpose) }, text(hl_memory_describe_remedy))
    }

    /// Where nothing can be thrown: removes temporary files, prints the line of a ``failure(_:for:)`` and exits. On any
    /// thread; only the first caller's line is printed.
    package static func exhausted(_ bytes: Int, for purpose: String) -> Never {
        hl_memory_exhausted(bytes, purpose)
    }

    /// The same where it is a device's memory that is exhausted.
    /// - Parameter what: what happened.
    package static func exhausted(onDevice what: String) -> Never { hl_memory_exhausted_on_device(what) }

    private static func text(_ write: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) {
            guard let start = $0.baseAddress else { return "" }
            write(start, $0.count)
            return String(cString: start)
        }
    }
}
