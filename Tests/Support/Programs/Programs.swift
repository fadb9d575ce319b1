import Foundation
import Glibc

/// Where the built programs are: `HL_BIN`, else beside this test bundle.
package enum Programs {
    /// A folder Sources/hl-… is a program.
    package static let names: [String] = {
        let sources = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent("Sources").path
        return ((try? FileManager.default.contentsOfDirectory(atPath: sources)) ?? []).filter { $0.hasPrefix("hl-") }
            .sorted()
    }()

    /// The folder Tests, where fixtures are.
    package static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    package static let directory: String = {
        if let stated = ProcessInfo.processInfo.environment["HL_BIN"], !stated.isEmpty { return stated }
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "."
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().path
    }()

    /// The programs that are not there; a test says so instead of failing with 127 everywhere.
    package static var missing: [String] {
        names.isEmpty ? ["every program"] : names.filter { access("\(directory)/\($0)", X_OK) != 0 }
    }

    package static func isInstalled(_ tool: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            access("\($0)/\(tool)", X_OK) == 0
        }
    }
}
