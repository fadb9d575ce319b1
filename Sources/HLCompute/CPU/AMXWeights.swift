import CKernels
import HLTensor

/// The layout in which AMX's kernels make the gradient of a weight and read the weight: F32 in blocks of 16 × 16 channels.
final class AMXWeights: LibraryLayout {
    let kernel: hl_amx_kernel

    /// - Parameter mergesColumns: whether the columns of the kernel count as inputs.
    init(_ shape: [Int], mergesColumns: Bool) {
        let columns = mergesColumns ? shape[3] : 1
        kernel = hl_amx_kernel(
            inputs: shape[1] * columns, outputs: shape[0], taps: shape[2] * shape[3] / columns, columns: columns)
        super.init(byteCount: hl_amx_block_count(kernel) * MemoryLayout<Float>.size)
    }

    override func isSame(as other: LibraryLayout) -> Bool {
        guard let other = (other as? AMXWeights)?.kernel else { return false }
        return kernel.inputs == other.inputs && kernel.outputs == other.outputs && kernel.taps == other.taps
            && kernel.columns == other.columns
    }

    private var blocks: Int { (kernel.outputs + 15) / 16 }

    /// A weight [O, I, k, k] in this layout. The copy of one that lies otherwise is kept until it changes, but for frozen ones,
    /// which are packed once.
    func blocks(of weight: Tensor, on backend: any ConvolutionHost) -> CPUStorage {
        let storage = weight.cpu, key = ObjectIdentifier(self)
        if storage.layout == .library(self) { return storage }
        if let known = storage.packed[key], known.version == storage.version { return known.storage }
        let plain = backend.laidOut(weight, as: .plain)
        let copy = storage.packed[key]?.storage ?? backend.storage(bytes: byteCount, .library(self))
        nonisolated(unsafe) let (from, to) = (plain.floats, UnsafeMutableRawPointer(copy.bytes))
        backend.parallel(blocks, grain: 1) {
            hl_amx_block_weights(
                kernel, $0.lowerBound, $0.upperBound, from, to.assumingMemoryBound(to: Float.self))
        }
        if !storage.isFrozen { storage.packed[key] = (storage.version, copy) }
        return copy
    }

    override func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutablePointer<Float>) -> Bool {
        hl_amx_block_weights(kernel, 0, blocks, plain, packed)
        return true
    }

    override func unpack(_ packed: UnsafePointer<Float>, into plain: UnsafeMutablePointer<Float>) -> Bool {
        hl_amx_unblock_weights(kernel, 0, blocks, packed, plain)
        return true
    }
}

/// Some taps of a kernel as AMX's products take them, rounded to BF16.
final class AMXPacking: LibraryLayout {
    private let weights: AMXWeights
    private let taps: [Int32]
    private let isBackward: Bool

    init(_ weights: AMXWeights, taps: [Int32], isBackward: Bool) {
        (self.weights, self.taps, self.isBackward) = (weights, taps, isBackward)
        let (inputs, outputs) = (weights.kernel.inputs, weights.kernel.outputs)
        super.init(
            byteCount: hl_amx_packed_count(taps.count, isBackward ? outputs : inputs, isBackward ? inputs : outputs)
                * ElementType.bf16.size)
    }

    /// Those of a weight; a copy is kept until it changes.
    func packed(_ weight: Tensor, on backend: any ConvolutionHost) -> CPUStorage {
        let storage = weight.cpu, key = ObjectIdentifier(self)
        if let known = storage.packed[key], known.version == storage.version { return known.storage }
        let packed = storage.packed[key]?.storage ?? backend.storage(bytes: byteCount, .library(self))
        let blocks = weights.blocks(of: weight, on: backend), kernel = weights.kernel
        nonisolated(unsafe) let source = UnsafeMutableRawPointer(blocks.bytes).assumingMemoryBound(to: Float.self)
        nonisolated(unsafe) let target = UnsafeMutableRawPointer(packed.bytes).assumingMemoryBound(to: UInt16.self)
        let groups = ((isBackward ? kernel.inputs : kernel.outputs) + 31) / 32
        backend.parallel(groups, grain: 1) {
            hl_amx_pack_weights(
                kernel, taps, taps.count, isBackward ? 1 : 0, $0.lowerBound, $0.upperBound, source, target)
        }
        storage.packed[key] = (storage.version, packed)
        return packed
    }
}
