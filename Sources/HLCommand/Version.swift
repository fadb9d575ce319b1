import CPNG
import CSystem
import CZstd
import HLCompute
import HLFormats
import HLTensor

/// What `--version` prints. Libraries that are opened at run time are loaded for it alone.
package enum Version {
    package static let number = "0.1.0"

    /// - Parameter heading: program and number.
    static func text(_ heading: String) -> String {
        var lines = ["\(heading) (stream version \(StreamHeader.currentVersion))"]
        lines.append("kernels: \(String(cString: hl_instruction_set()))")
        lines.append("zstd: \(String(cString: ZSTD_versionString()))")
        lines.append("libpng: \(png_get_libpng_ver(nil).map { String(cString: $0) } ?? PNG_LIBPNG_VER_STRING)")
        lines.append("libjpeg: \(Image.readsJPEG ? "yes" : "no")")
        lines.append("libwebp: \(Image.readsWebP ? "yes" : "no")")
        lines += Backends.all.reversed().filter(\.isHere).map(summary)
        return lines.joined(separator: "\n")
    }

    private static func summary(_ backend: BackendDescription) -> String {
        guard backend.isBuilt, let choice = BackendChoice(backend.name) else { return "\(backend.title): no" }
        do {
            return "backend \(backend.name): \(try choice.make(threads: 0).summary)"
        } catch {
            return "backend \(backend.name): \(error.what)"
        }
    }
}
