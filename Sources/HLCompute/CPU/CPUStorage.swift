import CKernels
import HLTensor

/// A layout that only a library, or a family of our own kernels, understands: that of the weights of one of its convolutions.
package class LibraryLayout {
    /// Bytes of a tensor in this layout.
    let byteCount: Int

    /// A layout in which a tensor takes so many bytes.
    init(byteCount: Int) { self.byteCount = byteCount }

    /// Whether tensors may pass from one to the other as they are.
    func isSame(as other: LibraryLayout) -> Bool { self === other }
    /// From and to row-major order. False when the library failed.
    func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) -> Bool { false }
    /// The way back to row-major order. False when the library failed.
    func unpack(_ packed: UnsafePointer<Float>, into plain: UnsafeMutablePointer<Float>) -> Bool { false }
}

/// A tensor in the memory of the CPU backends.
package final class CPUStorage: TensorStorage {
    /// How the values lie in memory.
    package enum Layout: Equatable {
        /// Row-major.
        case plain
        /// Channels in blocks of 8 or 16, [B][C/b][H][W][b], padded with zeros.
        case blocked(Int)
        /// Channels last, [B][H][W][C].
        case channelsLast
        /// Weights as the kernels of a library, or ours, want them, padded with zeros. Gradients come in this layout, and weights and
        /// optimiser state take it on, so that a training step reorders none of them on its way forward.
        case library(LibraryLayout)

        /// Layouts of libraries are the same where the library says so.
        package static func == (a: Layout, b: Layout) -> Bool {
            switch (a, b) {
            case (.plain, .plain), (.channelsLast, .channelsLast): true
            case (.blocked(let a), .blocked(let b)): a == b
            case (.library(let a), .library(let b)): a.isSame(as: b)
            default: false
            }
        }
    }

    /// How the values lie now.
    package private(set) var layout: Layout
    private var block: Arena.Block
    private let arena: Arena
    /// Counts the times the values changed, so that copies in other layouts know when they are stale.
    var version = 0
    /// Whether the values never change again, so that the layout of the first use becomes the storage's own.
    var isFrozen = false
    /// Such copies, by the layout's identity.
    var packed: [ObjectIdentifier: (version: Int, storage: CPUStorage)] = [:]

    /// Takes a block over, which goes back to the arena with the storage.
    init(layout: Layout, block: Arena.Block, arena: Arena) {
        self.layout = layout
        self.block = block
        self.arena = arena
    }

    deinit { arena.release(block) }

    /// The first value, as a float.
    var floats: UnsafeMutablePointer<Float> { block.pointer.assumingMemoryBound(to: Float.self) }
    /// The first byte.
    var bytes: UnsafeMutablePointer<UInt8> { block.pointer.assumingMemoryBound(to: UInt8.self) }

    /// Takes over memory and layout of another storage of the same values, which gets this one's.
    func exchange(with other: CPUStorage) {
        swap(&layout, &other.layout)
        swap(&block, &other.block)
        packed.removeAll()
    }
}

extension Tensor {
    /// Its storage; a tensor of another backend traps.
    var cpu: CPUStorage {
        guard let storage = storage as? CPUStorage else {
            preconditionFailure("a tensor of another backend")
        }
        return storage
    }

    /// The elements of an F32 tensor, in its layout.
    var floats: UnsafeMutablePointer<Float> {
        precondition(type == .f32)
        return cpu.floats
    }

    /// The elements of a BF16 tensor, in its layout.
    var narrow: UnsafeMutablePointer<UInt16> {
        precondition(type == .bf16)
        return UnsafeMutableRawPointer(cpu.bytes).assumingMemoryBound(to: UInt16.self)
    }

    /// An element of an F32 or BF16 tensor, in its layout, for kernels that take both.
    func values(at index: Int = 0) -> UnsafeMutableRawPointer {
        precondition(type == .f32 || type == .bf16)
        return UnsafeMutableRawPointer(cpu.bytes + index * type.size)
    }

    /// The elements of an I32 tensor.
    var integers: UnsafeMutablePointer<Int32> {
        precondition(type == .i32)
        return UnsafeMutableRawPointer(cpu.bytes).assumingMemoryBound(to: Int32.self)
    }

    /// Bytes of the values alone, row by row.
    var byteCount: Int { elementCount * type.size }

    /// Bytes in memory, padding included.
    var storedBytes: Int { storedCount * type.size }

    /// Bytes in memory of one entry of the first dimension; of none, where there are none.
    var storedRowBytes: Int { shape[0] == 0 ? 0 : storedBytes / shape[0] }

    /// Elements in memory, padding included.
    var storedCount: Int {
        switch cpu.layout {
        case .plain, .channelsLast: elementCount
        case .blocked(let block): shape[0] * ((shape[1] + block - 1) / block * block) * shape[2] * shape[3]
        case .library(let layout): layout.byteCount / 4
        }
    }

    /// The layout as the kernels of `hl_planes.h` see it.
    var planes: hl_planes {
        let narrow: Int32 = type == .bf16 ? 1 : 0
        let (samples, channels) = (shape[0], shape[1])
        if shape.count == 2 {
            return hl_planes(samples: samples, blocks: 1, positions: 1, block: channels, step: channels, narrow: narrow)
        }
        let positions = shape[2] * shape[3]
        switch cpu.layout {
        case .plain:
            return hl_planes(
                samples: samples, blocks: channels, positions: positions, block: 1, step: 1, narrow: narrow)
        case .blocked(let block):
            return hl_planes(
                samples: samples, blocks: (channels + block - 1) / block, positions: positions, block: block,
                step: block, narrow: narrow)
        case .channelsLast:
            return hl_planes(
                samples: samples, blocks: 1, positions: positions, block: channels, step: channels, narrow: narrow)
        case .library: preconditionFailure("weights are no activations")
        }
    }

    /// The same with channels last cut into blocks of one or two cache lines, for kernels that threads share block by block.
    var cutPlanes: hl_planes {
        var planes = self.planes
        guard cpu.layout == .channelsLast, let block = [64, 32, 16].first(where: { shape[1] % $0 == 0 }) else {
            return planes
        }
        planes.blocks = planes.block / block
        planes.block = block
        return planes
    }
}
