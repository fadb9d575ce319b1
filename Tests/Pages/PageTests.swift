import Foundation
import TestSupport
import Testing

/// Every example of every page runs, in small. `README.md` beside this says how.
struct PageTests {
    /// One page alone, such as `man/hl-view.1`, while it is written.
    private static let pages = Example.pages.filter { page in
        ProcessInfo.processInfo.environment["HL_PAGE"].map { $0 == page } ?? true
    }
    private static let missing = ["make", "python3", "jq", "zstd", "strings"].filter { !Programs.isInstalled($0) }

    /// A page on each core, in a folder of its own, its examples in their order.
    @Test(.enabled(if: missing.isEmpty, "not installed: \(missing.joined(separator: ", "))"))
    func examplesRun() async throws {
        let inputs = try Inputs(for: Self.pages)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for page in Self.pages {
                group.addTask { [folder = inputs.folder] in
                    let run = try PageRun(folder: folder, page: page)
                    for example in try Example.of(page) { try run.check(example) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Nothing is excepted that is not there, and what is found is a page's: blocks, lines and commands in paragraphs.
    @Test func exceptionsAreOfExamples() throws {
        let examples = try Example.pages.flatMap(Example.of)
        for entry in Treatment.all {
            let count = examples.count { $0.page == entry.page && $0.text.hasPrefix(entry.start) }
            #expect(count == 1, "\(entry.page): \(entry.start)")
        }
        #expect(Example.pages.count >= 20 && examples.count > 100)
        for page in Example.pages { #expect(try !Example.of(page).isEmpty, "\(page)") }
        for example in examples where !example.page.hasSuffix(".md") {
            #expect(!example.text.contains(/\\[(&*]/), "\(example): an escape of mdoc that is not read")
        }
    }
}
