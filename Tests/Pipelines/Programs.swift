import Foundation
import Glibc

/// Where the built programs are: `HL_BIN`, else beside this test bundle.
enum Programs {
    static let names = ["hl-sample", "hl-perturb", "hl-filter", "hl-train", "hl-encode", "hl-probe", "hl-delta", "hl-view"]

    static let directory: String = {
        if let stated = ProcessInfo.processInfo.environment["HL_BIN"], !stated.isEmpty { return stated }
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "."
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().path
    }()

    /// The programs that are not there; a test says so instead of failing with 127 everywhere.
    static var missing: [String] { names.filter { access("\(directory)/\($0)", X_OK) != 0 } }

    static func isInstalled(_ tool: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            access("\($0)/\(tool)", X_OK) == 0
        }
    }
}
