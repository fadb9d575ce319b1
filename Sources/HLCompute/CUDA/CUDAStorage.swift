import CCUDA
import HLTensor

/// A tensor in the memory of a device.
///
/// Tensors of four dimensions lie channels last, [B, H, W, C] and [O, k, k, I], all others row-major.
package final class CUDAStorage: TensorStorage {
    private let block: Arena.Block
    private let arena: Arena
    /// Counts the times the values changed, so that copies of another type know when they are stale.
    var version = 0
    /// Such a copy: a weight in BF16.
    var narrow: (version: Int, tensor: Tensor)?

    /// Takes a block over, which goes back to the arena with the storage.
    init(block: Arena.Block, arena: Arena) {
        self.block = block
        self.arena = arena
    }

    deinit { arena.release(block) }

    /// The first byte, on the device.
    var address: UnsafeMutableRawPointer { block.pointer }
}

extension Tensor {
    /// Its storage; a tensor of another backend traps.
    var cuda: CUDAStorage {
        guard let storage = storage as? CUDAStorage else { preconditionFailure("a tensor of another backend") }
        return storage
    }

    /// The address of an entry of the first dimension of a tensor of any type.
    func address(row: Int = 0) -> UnsafeMutableRawPointer {
        cuda.address + row * shape.dropFirst().reduce(1, *) * type.size
    }

    /// The address of the values of an F32 tensor, as kernels take it.
    var f32: UnsafeMutablePointer<Float> {
        precondition(type == .f32)
        return cuda.address.assumingMemoryBound(to: Float.self)
    }

    /// The address of the values of an I32 tensor.
    var i32: UnsafeMutablePointer<Int32> {
        precondition(type == .i32)
        return cuda.address.assumingMemoryBound(to: Int32.self)
    }

    /// The address of the values of a U8 tensor.
    var u8: UnsafeMutablePointer<UInt8> {
        precondition(type == .u8)
        return cuda.address.assumingMemoryBound(to: UInt8.self)
    }

    /// F32 or BF16 values, as kernels take them.
    var either: hl_cuda_values {
        precondition(type == .f32 || type == .bf16)
        return hl_cuda_values(at: cuda.address, narrow: type == .bf16 ? 1 : 0)
    }

    /// Values, as kernels count them.
    var count32: UInt32 { UInt32(kernel: elementCount) }

    /// Height times width; 1 of a matrix.
    var positions: Int { shape.dropFirst(2).reduce(1, *) }

    /// Whether the order of its values in memory differs from the row-major one.
    var isRearranged: Bool { shape.count == 4 && shape[1] > 1 && positions > 1 }
}

extension Tensor? {
    /// The address of F32 values that are only read, or nil.
    var constants: UnsafePointer<Float>? { self.map { UnsafePointer($0.f32) } }
}

extension UInt32 {
    /// A count of a kernel, which are below 2³¹.
    init(kernel count: Int) {
        precondition((0..<1 << 31).contains(count), "a kernel cannot count \(count)")
        self = UInt32(count)
    }
}

extension hl_cuda_values {
    /// Values that are not there.
    static var none: hl_cuda_values { hl_cuda_values(at: nil, narrow: 0) }
}
