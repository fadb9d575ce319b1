import Glibc

/// A block of host memory, aligned for vector loads, freed with its last owner.
public final class HostBuffer: @unchecked Sendable {
    // Unchecked: written only while its creator fills it, then shared as read-only.

    public let pointer: UnsafeMutableRawPointer
    public let count: Int

    public static let alignment = 64

    /// - Parameter count: bytes; the memory is not initialised.
    public init(count: Int) {
        precondition(count >= 0)
        self.count = count
        pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: Self.alignment)
    }

    deinit { pointer.deallocate() }

    public var bytes: UnsafeMutableRawBufferPointer { .init(start: pointer, count: count) }
}
