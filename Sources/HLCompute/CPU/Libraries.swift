import COpenBLAS
import HLTensor

#if HL_ONEDNN
    import COneDNN
#endif

/// The libraries of the CPU backends, opened only where limits leave room for all that they take: OpenBLAS waits for
/// ever where it cannot map a buffer, and the runtime of oneDNN's threads ends the process with words of its own.
enum Libraries {
    /// Code and constants of either library.
    private static let libraryBytes = 44 << 20
    /// A thread's working memory, 128 MB and a little in releases from 0.3.4 on, on x86-64.
    private static let bufferBytes = 132 << 20

    /// - Parameter threads: the library takes no more than there are cores.
    /// - Throws: `Failure` (outOfMemory, or software when there is no such library).
    static func loadOpenBLAS(threads: Int) throws(Failure) {
        let count = min(threads, Machine.coreCount)
        if Memory.isLimited && hl_blas_is_loaded() == 0 {
            try Memory.require(
                libraryBytes + count * bufferBytes + (count - 1) * Memory.threadBytes, for: name("OpenBLAS", count))
        }
        if let message = hl_blas_load(Int32(threads), Memory.isLimited ? 1 : 0) {
            throw failure("OpenBLAS", String(cString: message), "install the package libopenblas0")
        }
    }

    #if HL_ONEDNN
        /// - Throws: as `loadOpenBLAS`.
        static func loadOneDNN(threads: Int) throws(Failure) {
            if Memory.isLimited && hl_dnn_is_loaded() == 0 {
                try Memory.require(libraryBytes + (threads - 1) * Memory.threadBytes, for: name("oneDNN", threads))
            }
            if let message = hl_dnn_load(Int32(threads), Memory.isLimited ? 1 : 0) {
                throw failure(
                    "oneDNN", String(cString: message), "install the package libdnnl2 or use --backend plain")
            }
        }
    #endif

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
