import HLCompute
import HLViews

/// Walkers: our own files and the published ones.
struct WalkerFormat: FuzzedFormat {
    let name = "walker"

    func read(path: String, thorough: Bool) throws {
        _ = try Walker.load(path: path, backend: CPUBackend.plain(threads: 1))
    }
}
