import CSystem
import Foundation
import Testing

struct ThreadTests {
    @Test func threadsThatAreTriedAreGone() throws {
        func threads() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
        for count: Int32 in [0, 1, 7, 40] { #expect(hl_threads_try(count) == 0) }
        // Other tests have threads of their own, but not as many.
        let before = try threads()
        #expect(hl_threads_try(500) == 0)
        #expect(try threads() < before + 250)
    }

    /// No more than the processors that the process may run on.
    @Test func processors() {
        #expect(hl_usable_processor_count() >= 1)
        #expect(hl_usable_processor_count() <= hl_processor_count())
    }
}
