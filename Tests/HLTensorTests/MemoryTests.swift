import Glibc
import HLTensor
import Testing

/// What memory's messages say, and that a process which does not watch its memory hears of failures as ever. Limits are
/// set for whole programs, in Tests/Pipelines.
struct MemoryTests {
    @Test(arguments: [
        (1, "1 kB"), (999_999, "1000 kB"), (2_340_000, "2.3 MB"), (64_900_000, "64 MB"), (1_500_000_000, "1.5 GB"),
        (1 << 50, "1125899.9 GB"),
    ])
    func saysWhatWasWanted(bytes: Int, text: String) {
        let failure = Memory.failure(bytes, for: "tensors")
        #expect(failure.kind == .resources && failure.kind.rawValue == EX_OSERR)
        #expect(failure.what.hasPrefix("out of memory for tensors (\(text) wanted, "), "\(failure.what)")
        #expect(failure.what.contains(" in use"), "\(failure.what)")
        #expect(!failure.remedy.isEmpty)
    }

    @Test func saysNothingOfASizeThatNobodyKnows() {
        let failure = Memory.failure(for: "a decoder")
        #expect(failure.what.hasPrefix("out of memory for a decoder ("))
        #expect(!failure.what.contains("wanted"))
    }

    @Test func namesAreCutAndNothingElse() {
        let failure = Memory.failure(1, for: String(repeating: "x", count: 2000))
        #expect(failure.what.utf8.count < 512 && failure.what.hasPrefix("out of memory for xxx"))
    }

    @Test func knowsTheMachine() {
        #expect(!Memory.isBeyondMachine(1 << 20))
        #expect(Memory.isBeyondMachine(1 << 50))
    }

    @Test(.enabled(if: !Memory.isLimited)) func withoutALimitThereIsRoom() throws {
        try Memory.require(.max, for: "anything")
        #expect(!Memory.isShort)
    }

    /// Our definitions come before the C library's; they keep its manners.
    @Test func refusalsReachTheCaller() throws {
        // By name: a compiler that sees an unused block takes it for granted.
        func function<Function>(_ name: String, as _: Function.Type) throws -> Function {
            unsafeBitCast(try #require(dlsym(nil, name)), to: Function.self)
        }
        let allocate = try function("malloc", as: (@convention(c) (Int) -> UnsafeMutableRawPointer?).self)
        let clear = try function("calloc", as: (@convention(c) (Int, Int) -> UnsafeMutableRawPointer?).self)
        let resize = try function(
            "realloc", as: (@convention(c) (UnsafeMutableRawPointer?, Int) -> UnsafeMutableRawPointer?).self)
        #expect(allocate(1 << 60) == nil && errno == ENOMEM)
        #expect(clear(.max, 2) == nil && clear(1 << 30, 1 << 30) == nil)
        let block = allocate(16)
        #expect(block != nil && resize(block, 1 << 60) == nil)
        free(block)
        var aligned: UnsafeMutableRawPointer?
        for alignment in [0, 3, 4, 24] { #expect(posix_memalign(&aligned, alignment, 16) == EINVAL) }
        #expect(posix_memalign(&aligned, 64, 1 << 60) == ENOMEM && aligned == nil)
        #expect(aligned_alloc(64, 1 << 60) == nil)
    }

    @Test(arguments: [8, 16, 64, 4096, 2 << 20])
    func blocksAreAligned(alignment: Int) {
        var block: UnsafeMutableRawPointer?
        #expect(posix_memalign(&block, alignment, 1000) == 0)
        #expect(block.map { Int(bitPattern: $0) % alignment } == 0)
        if let block { memset(block, 1, 1000) }
        free(block)
    }

    @Test func reallocationKeepsTheBytes() throws {
        var block = try #require(calloc(1000, 1))
        #expect(UnsafeRawBufferPointer(start: block, count: 1000).allSatisfy { $0 == 0 })
        memset(block, 7, 1000)
        block = try #require(realloc(block, 5 << 20))
        #expect(UnsafeRawBufferPointer(start: block, count: 1000).allSatisfy { $0 == 7 })
        free(block)
    }
}
