import CKernels
import HLTensor

/// A tensor in the memory of the CPU backends.
final class CPUStorage: TensorStorage {
    /// How the values lie in memory.
    enum Layout: Equatable {
        /// Row-major.
        case plain
        /// Channels in blocks of 8 or 16, [B][C/b][H][W][b], padded with zeros.
        case blocked(Int)
    }

    let layout: Layout
    private let block: Arena.Block
    private let arena: Arena
    /// Counts the times the values changed, so that copies in other layouts know when they are stale.
    var version = 0
    /// Such copies, by the layout's key.
    var packed: [ObjectIdentifier: (version: Int, storage: CPUStorage)] = [:]

    init(layout: Layout, block: Arena.Block, arena: Arena) {
        self.layout = layout
        self.block = block
        self.arena = arena
    }

    deinit { arena.release(block) }

    var floats: UnsafeMutablePointer<Float> { block.pointer.assumingMemoryBound(to: Float.self) }
    var bytes: UnsafeMutablePointer<UInt8> { block.pointer.assumingMemoryBound(to: UInt8.self) }
}

extension Tensor {
    var cpu: CPUStorage {
        guard let storage = storage as? CPUStorage else {
            preconditionFailure("a tensor of another backend")
        }
        return storage
    }

    var floats: UnsafeMutablePointer<Float> { cpu.floats }

    /// Floats in memory, padding included.
    var storedCount: Int {
        guard case .blocked(let block) = cpu.layout else { return elementCount }
        return shape[0] * ((shape[1] + block - 1) / block * block) * shape[2] * shape[3]
    }

    /// The layout as the kernels of `hl_planes.h` see it.
    var planes: hl_planes {
        if shape.count == 2 { return hl_planes(samples: shape[0], blocks: 1, positions: 1, block: shape[1]) }
        let positions = shape[2] * shape[3]
        switch cpu.layout {
        case .plain: return hl_planes(samples: shape[0], blocks: shape[1], positions: positions, block: 1)
        case .blocked(let block):
            return hl_planes(
                samples: shape[0], blocks: (shape[1] + block - 1) / block, positions: positions, block: block)
        }
    }
}
