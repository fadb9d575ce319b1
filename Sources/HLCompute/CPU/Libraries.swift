import COpenBLAS
import HLTensor

#if HL_ONEDNN
    import COneDNN
#endif

/// The libraries of the CPU backends, opened only where limits leave room for all that they take: OpenBLAS waits for
/// ever where it cannot map a buffer, and ends the process with words of its own where it cannot start a thread, as the
/// runtime of oneDNN's threads does.
enum Libraries {
    /// Code and constants of either library.
    private static let libraryBytes = 44 << 20
    /// A thread's working memory, 128 MB and a little in releases from 0.3.4 on, on x86-64.
    private static let bufferBytes = 132 << 20

    /// - Parameter threads: the library takes no more than there are cores.
    /// - Throws: `Failure` (resources, or software when there is no such library).
    static func loadOpenBLAS(threads: Int) throws(Failure) {
        if hl_blas_is_loaded() == 0 {
            let count = min(threads, Machine.processorCount), purpose = name("OpenBLAS", count)
            if Memory.isLimited {
                try Memory.require(
                    libraryBytes + count * bufferBytes + (count - 1) * Memory.threadBytes, for: purpose)
            }
            try requireThreads(count - 1, beside: threads, for: purpose)
        }
        if let message = hl_blas_load(Int32(threads), Memory.isLimited ? 1 : 0) {
            throw failure("OpenBLAS", String(cString: message), "install the package libopenblas0")
        }
    }

    #if HL_ONEDNN
        /// - Throws: as `loadOpenBLAS`.
        static func loadOneDNN(threads: Int) throws(Failure) {
            if hl_dnn_is_loaded() == 0 {
                let purpose = name("oneDNN", threads)
                if Memory.isLimited {
                    try Memory.require(libraryBytes + (threads - 1) * Memory.threadBytes, for: purpose)
                }
                // OpenBLAS comes next.
                try requireThreads(2 * (threads - 1), beside: threads, for: purpose)
            }
            if let message = hl_dnn_load(Int32(threads), Memory.isLimited ? 1 : 0) {
                throw failure(
                    "oneDNN", String(cString: message), "install the package libdnnl2 or use --backend plain")
            }
        }
    #endif

    /// A library's own threads, and those that our kernels and the program start later: the queues of the system wait for
    /// ever for one that they cannot have.
    private static func requireThreads(_ own: Int, beside threads: Int, for purpose: String) throws(Failure) {
        if threads > 1 { try Machine.requireThreads(own + threads - 1 + Machine.helperThreads, for: purpose) }
    }

    private static func name(_ library: String, _ threads: Int) -> String {
        "\(library) on \(threads) \(threads == 1 ? "thread" : "threads")"
    }

    private static func failure(_ library: String, _ reason: String, _ remedy: String) -> Failure {
        // The loader says so in words only: "failed to map segment", "cannot allocate memory".
        if Memory.isLimited && (reason.contains("map segment") || reason.contains("allocate")) {
            return Memory.failure(for: library)
        }
        return Failure(.software, "cannot load \(library) (\(reason))", remedy)
    }
}
