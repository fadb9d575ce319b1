import Glibc
import HLTensor

/// Memory for tensors, taken from the system in large segments and never given back while the arena lives.
///
/// A training step asks for the same blocks in the same order every time, so after the first step nothing is allocated
/// and every block falls where it fell before. Free neighbours merge, and the smallest block that fits is split, so that
/// the small activations of deep layers, once freed, serve the large gradients of shallow ones.
package final class Arena {
    /// A piece of a segment, in use or free. Blocks of one segment form a list by address.
    package final class Block {
        /// Its first byte, aligned for vector loads.
        package let pointer: UnsafeMutableRawPointer
        /// Its bytes, at least those that were asked for.
        package fileprivate(set) var count: Int
        fileprivate var isFree = false
        fileprivate weak var previous: Block?
        fileprivate var next: Block?

        fileprivate init(pointer: UnsafeMutableRawPointer, count: Int) {
            self.pointer = pointer
            self.count = count
        }
    }

    private struct Segment {
        let pointer: UnsafeMutableRawPointer
        let count: Int
        let first: Block
    }

    private let source: any SegmentSource
    private var segments: [Segment] = []
    private var free: [Block] = []
    /// Bytes of blocks that are not free.
    package private(set) var bytesInUse = 0
    /// Bytes of all segments.
    package private(set) var bytesHeld = 0

    /// An arena that holds nothing yet, of the system's memory unless told otherwise.
    package init(segments source: any SegmentSource = HostSegments()) { self.source = source }

    deinit {
        for segment in segments { source.free(segment.pointer, byteCount: segment.count) }
    }

    /// A block of at least `count` bytes, or nil when the system has no more.
    package func allocate(_ count: Int) -> Block? {
        let wanted = max(source.alignment, (count + source.alignment - 1) / source.alignment * source.alignment)
        guard let block = takeFree(wanted) ?? takeNew(wanted) else { return nil }
        bytesInUse += block.count
        return block
    }

    /// Frees a block, which must not be used again, and merges it with free neighbours.
    package func release(_ released: Block) {
        bytesInUse -= released.count
        var block = released
        if let next = block.next, next.isFree {
            removeFree(next)
            merge(block, next)
        }
        if let previous = block.previous, previous.isFree {
            removeFree(previous)
            merge(previous, block)
            block = previous
        }
        block.isFree = true
        free.append(block)
    }

    private func takeFree(_ wanted: Int) -> Block? {
        var best: Int?
        for (index, block) in free.enumerated()
        where block.count >= wanted && (best.map { block.count < free[$0].count } ?? true) {
            best = index
        }
        guard let best else { return nil }
        let block = free[best]
        free.swapAt(best, free.count - 1)
        free.removeLast()
        block.isFree = false
        split(block, keeping: wanted)
        return block
    }

    private func takeNew(_ wanted: Int) -> Block? {
        let page = source.pageSize, count = max(source.leastSegment, (wanted + page - 1) / page * page)
        guard let pointer = source.allocate(count) else { return nil }
        bytesHeld += count
        let block = Block(pointer: pointer, count: count)
        segments.append(Segment(pointer: pointer, count: count, first: block))
        split(block, keeping: wanted)
        return block
    }

    private func split(_ block: Block, keeping wanted: Int) {
        let rest = block.count - wanted
        guard rest >= 4096 else { return }
        let tail = Block(pointer: block.pointer + wanted, count: rest)
        tail.previous = block
        tail.next = block.next
        tail.next?.previous = tail
        block.next = tail
        block.count = wanted
        tail.isFree = true
        free.append(tail)
    }

    private func merge(_ block: Block, _ next: Block) {
        block.count += next.count
        block.next = next.next
        block.next?.previous = block
    }

    private func removeFree(_ block: Block) {
        guard let index = free.firstIndex(where: { $0 === block }) else { return }
        free.swapAt(index, free.count - 1)
        free.removeLast()
    }
}

/// Where an arena takes its memory from.
package protocol SegmentSource {
    /// Bytes of which blocks are a multiple.
    var alignment: Int { get }
    /// Bytes of which segments are a multiple.
    var pageSize: Int { get }
    /// Bytes of the smallest segment.
    var leastSegment: Int { get }

    /// A segment, aligned as blocks are, or nil where there is no more.
    func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer?

    /// Gives it back.
    func free(_ memory: UnsafeMutableRawPointer, byteCount: Int)
}

/// The system's memory, in large pages, which spare the processor most page faults and table walks.
package struct HostSegments: SegmentSource {
    /// The system's.
    package init() {}

    package var alignment: Int { 64 }
    package var pageSize: Int { 2 << 20 }
    package var leastSegment: Int { 32 << 20 }

    package func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard let pointer = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            pointer != MAP_FAILED
        else { return nil }
        if Memory.isShort || Memory.isBeyondMachine(byteCount) {
            munmap(pointer, byteCount)
            return nil
        }
        madvise(pointer, byteCount, MADV_HUGEPAGE)
        return pointer
    }

    package func free(_ memory: UnsafeMutableRawPointer, byteCount: Int) { munmap(memory, byteCount) }
}
