import Glibc

/// A block of host memory, aligned for vector loads, freed with its last owner.
package final class HostBuffer: @unchecked Sendable {
    // Unchecked: written only while its creator fills it, then shared as read-only.

    package let pointer: UnsafeMutableRawPointer
    package let count: Int
    /// What the system gave, in which `pointer` lies.
    private let block: UnsafeMutableRawPointer

    package static let alignment = 64
    private static let largePage = 2 << 20
    private static let mediumCount = 4 << 20
    private static let largeCount = 8 << 20

    /// - Parameter count: bytes; the memory is not initialised.
    package init(count: Int) {
        precondition(count >= 0)
        self.count = count
        guard count >= Self.mediumCount else {
            // Aligned here and not by the system: glibc before 2.38 seldom finds an aligned block again that was freed, so
            // that its heap grows by one of them with every step of a training.
            block = UnsafeMutableRawPointer.allocate(byteCount: count + Self.alignment, alignment: Self.natural)
            pointer = block.alignedUp(toMultipleOf: Self.alignment)
            return
        }
        // Larger ones are few, and what glibc keeps of them spares the pages that the next one would have zeroed.
        let isLarge = count >= Self.largeCount
        block = UnsafeMutableRawPointer.allocate(
            byteCount: count, alignment: isLarge ? Self.largePage : Self.alignment)
        pointer = block
        // Memory fresh from the system is zeroed page by page when it is first written; large pages save most of that.
        if isLarge { madvise(pointer, count / Self.largePage * Self.largePage, MADV_HUGEPAGE) }
    }

    /// What malloc aligns by itself.
    private static let natural = MemoryLayout<Int>.alignment

    deinit { block.deallocate() }

    package var bytes: UnsafeMutableRawBufferPointer { .init(start: pointer, count: count) }
}
