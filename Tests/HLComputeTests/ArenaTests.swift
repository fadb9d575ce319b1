import HLCompute
import HLTensor
import Testing

extension ComputeTests {
    struct ArenaTests {
        /// Blocks of random sizes, taken and given back in random order.
        @Test func blocksNeverOverlap() throws {
            let arena = Arena()
            var random = RandomKey(seed: 1, purpose: .shuffle).sequence(id: 0)
            var held: [(block: Arena.Block, wanted: Int)] = []
            for _ in 0..<3000 {
                if held.count > 60 || (!held.isEmpty && random.uniform() < 0.45) {
                    arena.release(held.remove(at: Int(random.nextWord()) % held.count).block)
                } else {
                    let wanted = 1 + Int(random.nextWord()) % (random.uniform() < 0.1 ? 3_000_000 : 20_000)
                    let block = try #require(arena.allocate(wanted))
                    held.append((block, wanted))
                }
                let sorted = held.sorted { $0.block.pointer < $1.block.pointer }
                for (one, next) in zip(sorted, sorted.dropFirst()) {
                    #expect(one.block.pointer + one.block.count <= next.block.pointer)
                }
                #expect(held.allSatisfy { $0.block.count >= $0.wanted })
                #expect(held.allSatisfy { UInt(bitPattern: $0.block.pointer) % 64 == 0 })
                #expect(arena.bytesInUse == held.reduce(0) { $0 + $1.block.count })
                #expect(arena.bytesInUse <= arena.bytesHeld)
            }
        }

        @Test func freeNeighboursMerge() throws {
            let arena = Arena()
            let size = 4 << 20
            let blocks = try (0..<8).map { _ in try #require(arena.allocate(size)) }
            let held = arena.bytesHeld
            #expect(held == 8 * size)
            for index in [1, 3, 2, 7, 5, 6, 0, 4] { arena.release(blocks[index]) }
            #expect(arena.bytesInUse == 0)
            let whole = try #require(arena.allocate(8 * size))
            #expect(arena.bytesHeld == held)
            #expect(whole.pointer == blocks[0].pointer)
        }

        @Test func smallestFittingBlockIsReused() throws {
            let arena = Arena()
            let large = try #require(arena.allocate(1 << 20)), wall = try #require(arena.allocate(64))
            let small = try #require(arena.allocate(1 << 16)), end = try #require(arena.allocate(64))
            arena.release(large)
            arena.release(small)
            let again = try #require(arena.allocate(1 << 16))
            #expect(again.pointer == small.pointer)
            #expect(try #require(arena.allocate(1 << 20)).pointer == large.pointer)
            arena.release(wall)
            arena.release(end)
        }

        @Test func emptyRequest() throws {
            let arena = Arena()
            let one = try #require(arena.allocate(0)), two = try #require(arena.allocate(0))
            #expect(one.pointer != two.pointer)
        }
    }
}
