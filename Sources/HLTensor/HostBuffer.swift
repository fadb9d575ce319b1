import Glibc

/// A block of host memory, aligned for vector loads, freed with its last owner.
package final class HostBuffer: @unchecked Sendable {
    // Unchecked: written only while its creator fills it, then shared as read-only.

    package let pointer: UnsafeMutableRawPointer
    package let count: Int

    package static let alignment = 64
    private static let largePage = 2 << 20
    private static let largeCount = 8 << 20

    /// - Parameter count: bytes; the memory is not initialised.
    package init(count: Int) {
        precondition(count >= 0)
        self.count = count
        guard count >= Self.largeCount else {
            pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: Self.alignment)
            return
        }
        // Memory fresh from the system is zeroed page by page when it is first written; large pages save most of that.
        pointer = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: Self.largePage)
        madvise(pointer, count / Self.largePage * Self.largePage, MADV_HUGEPAGE)
    }

    deinit { pointer.deallocate() }

    package var bytes: UnsafeMutableRawBufferPointer { .init(start: pointer, count: count) }
}
