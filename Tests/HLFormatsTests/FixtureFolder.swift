import Foundation

/// A folder of `Fixtures`, whose script says what the files hold.
struct FixtureFolder {
    let name: String

    init(_ name: String) { self.name = name }

    func path(_ file: String) -> String {
        Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name)/\(file)").path
    }

    func contents(_ file: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(file)))) }

    /// Writes bytes to a file that is there while `body` runs.
    func withFile<Result>(_ bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("hl-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try body(file.path)
    }
}
