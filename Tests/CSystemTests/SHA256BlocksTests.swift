import CSystem
import Testing

/// The plain form against the processor's.
struct SHA256BlocksTests {
    @Test func plainFormAgrees() {
        let bytes = (0..<64 * 37).map { UInt8(truncatingIfNeeded: $0 &* 40_503 >> 3) }
        var fast = (1...8).map { UInt32($0) &* 0x9e37_79b9 }, plain = fast
        hl_sha256_blocks(&fast, bytes, 37)
        hl_sha256_blocks_portable(&plain, bytes, 37)
        #expect(fast == plain)
    }
}
