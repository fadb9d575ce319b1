import HLTensor

/// The backends by name, and which one to take when nobody asks.
package enum BackendChoice: String, Sendable, CaseIterable {
    /// oneDNN where the build has it, else plain.
    case automatic = "auto"
    case plain
    case oneDNN = "onednn"

    /// - Parameter threads: threads in all, 0 for one per core.
    /// - Throws: `Failure` when the libraries cannot be loaded, or when this build has no such backend.
    package func make(threads: Int = 0) throws(Failure) -> any Backend {
        switch self {
        case .plain: return try PlainBackend(threads: threads)
        case .automatic, .oneDNN:
            #if HL_ONEDNN
                return try OneDNNBackend(threads: threads)
            #else
                if self == .automatic { return try PlainBackend(threads: threads) }
                throw Failure(
                    .usage, "this build has no oneDNN", "install its headers (libdnnl-dev) and build again, or use plain")
            #endif
        }
    }
}
