import CCUDA
import HLTensor

/// The backend on a card of NVIDIA's: our kernels, products of matrices by cuBLAS, convolutions by cuDNN.
///
/// It is written over `CUDADevice`, so that the tests run all of it without a card. Results repeat bit for bit: sums are fixed
/// trees, no atomics, deterministic algorithms of the libraries, one stream but for sums over ranks.
package final class CUDABackend: Backend {
    /// Where it runs.
    package let device: any CUDADevice
    package let threads: Int
    /// Where all tensors live.
    package let arena: Arena
    /// Of convolutions alone.
    package var roundsToTF32 = false
    private var failure: Failure?

    /// - Parameter threads: for what is computed on the host; 0 for one per core.
    package init(on device: any CUDADevice, threads: Int) {
        self.device = device
        self.threads = threads > 0 ? threads : Machine.coreCount
        arena = Arena(segments: DeviceSegments(device: device))
    }

    package var summary: String { device.summary }
    package var kind: String { device.kind }
    /// As the device.
    package var bf16: BF16Support { device.bf16 }
    /// As the device.
    package var hasTF32: Bool { device.hasTF32 }

    /// Sixty-four up to 128 pixels, and beyond that as many as have so many pixels together: a card needs work for all
    /// of its processors in the first, small layers too. The largest activations of BigBiGAN take 400 MB then.
    package func renderBatch(side: Int) -> Int { max(1, min(64, device.renderedPixels / (side * side))) }

    /// One such batch: twelve gigabytes of BigBiGAN's activations, six in BF16.
    package func recordedSamples(side: Int) -> Int { renderBatch(side: side) }

    // MARK: Errors

    package func fail(_ error: Failure) {
        if failure == nil { failure = error }
    }

    /// Whether an error waits for the next `read`.
    var hasFailed: Bool { failure != nil }

    /// Runs what may fail, and keeps its error. While one waits nothing is enqueued, which might read what nobody wrote.
    func attempt(_ body: () throws(Failure) -> Void) {
        guard failure == nil else { return }
        do throws(Failure) {
            try body()
        } catch {
            fail(error)
        }
    }

    // MARK: Launches

    /// Starts a kernel with its arguments, a structure of `hl_cuda_kernels.h` with the kernel's name.
    func launch<Arguments: BitwiseCopyable>(_ kernel: hl_kernel, _ grid: Grid, _ arguments: Arguments) {
        precondition(hl_kernel_described(kernel).arguments == MemoryLayout<Arguments>.size)
        withUnsafeBytes(of: arguments) { bytes in
            attempt { () throws(Failure) in try device.launch(kernel, grid: grid, arguments: bytes) }
        }
    }

    // MARK: Memory

    /// A tensor whose values are not initialised.
    func allocate(_ shape: [Int], type: ElementType = .f32) -> Tensor {
        let byteCount = shape.reduce(1, *) * type.size
        guard let block = arena.allocate(byteCount) else {
            // What went wrong first says more.
            Memory.exhausted(onDevice: failure?.what ?? device.shortage(of: byteCount))
        }
        if device.poisons {
            attempt { () throws(Failure) in try device.fill(block.pointer, byteCount: block.count, with: 0xff) }
        }
        return Tensor(type, shape: shape, storage: CUDAStorage(block: block, arena: arena))
    }

    /// A tensor of another's type and shape, not initialised.
    func like(_ tensor: Tensor) -> Tensor { allocate(tensor.shape, type: tensor.type) }

    package func tensor(
        _ type: ElementType, shape: [Int], filling body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows -> Tensor {
        precondition(type == .f32 || type == .u8 || type == .i32, "no backend holds \(type.rawValue)")
        let byteCount = shape.reduce(1, *) * type.size
        let host = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
        defer { host.deallocate() }
        try body(host)
        let result = allocate(shape, type: type)
        upload(UnsafeRawBufferPointer(host), to: result)
        return result
    }

    package func tensor(_ host: HostTensor) -> Tensor {
        precondition(
            host.type == .f32 || host.type == .u8 || host.type == .i32, "no backend holds \(host.type.rawValue)")
        let result = allocate(host.shape, type: host.type)
        host.withUnsafeBytes { upload($0, to: result) }
        return result
    }

    /// A table of structures, which kernels take by the address that `Tensor.structures` gives.
    func uploaded<Value: BitwiseCopyable>(_ values: [Value]) -> Tensor {
        values.withUnsafeBytes { bytes in
            let result = allocate([bytes.count], type: .u8)
            upload(bytes, to: result)
            return result
        }
    }

    /// Row-major values into a tensor, whatever its order.
    private func upload(_ values: UnsafeRawBufferPointer, to target: Tensor) {
        let direct = target.isRearranged ? like(target) : target
        if !values.isEmpty { attempt { () throws(Failure) in try device.upload(values, to: direct.cuda.address) } }
        if target.isRearranged { permute(direct, to: target, inner: target.positions, outer: target.shape[1]) }
        target.cuda.version += 1
    }

    /// From [B][outer][inner] to [B][inner][outer] of the target's values.
    func permute(_ source: Tensor, to target: Tensor, inner: Int, outer: Int) {
        // The kernel counts by what it writes.
        launch(
            hl_kernel_permute, .over(target.elementCount),
            hl_cuda_permute(
                x: source.cuda.address, y: target.cuda.address, count: target.count32, inner: UInt32(kernel: outer),
                outer: UInt32(kernel: inner), size: UInt32(target.type.size)))
    }

    package func constant(_ value: Float, shape: [Int]) -> Tensor {
        let result = allocate(shape)
        launch(
            hl_kernel_fill, .over(result.elementCount),
            hl_cuda_fill(x: result.f32, count: result.count32, value: value))
        return result
    }

    package func assign(_ host: HostTensor, to target: Tensor) {
        precondition(host.shape == target.shape && host.type == target.type)
        host.withUnsafeBytes { upload($0, to: target) }
    }

    package func read(_ tensor: Tensor) throws -> HostTensor {
        let plain = rowMajor(tensor.type == .bf16 ? converted(tensor, to: .f32) : tensor)
        let result = HostTensor(plain.type, shape: tensor.shape) { bytes in
            attempt { () throws(Failure) in try device.download(plain.cuda.address, into: bytes) }
        }
        if let first = failure {
            failure = nil
            throw first
        }
        return result
    }

    /// The values in row-major order: the tensor itself where they are, else a copy that only its maker may read.
    func rowMajor(_ tensor: Tensor) -> Tensor {
        guard tensor.isRearranged else { return tensor }
        let result = like(tensor)
        permute(tensor, to: result, inner: tensor.shape[1], outer: tensor.positions)
        return result
    }

    package func copy(_ source: Tensor) -> Tensor {
        let result = like(source)
        copy(source.cuda.address, to: result.cuda.address, byteCount: source.elementCount * source.type.size)
        return result
    }

    /// Bytes on the device.
    func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, byteCount: Int) {
        guard byteCount > 0 else { return }
        attempt { () throws(Failure) in try device.copy(source, to: target, byteCount: byteCount) }
    }

    package func converted(_ x: Tensor, to type: ElementType) -> Tensor {
        guard x.type != type else { return x }
        let result = allocate(x.shape, type: type)
        convert(x, into: result)
        return result
    }

    /// Rounds or widens values to the type of another tensor of as many.
    func convert(_ x: Tensor, into y: Tensor) {
        launch(hl_kernel_convert, .over(x.elementCount), hl_cuda_convert(x: x.either, y: y.either, count: x.count32))
    }
}

/// Memory of a device, for an arena.
private struct DeviceSegments: SegmentSource {
    let device: any CUDADevice

    /// What libraries load at once.
    var alignment: Int { 256 }
    var pageSize: Int { 2 << 20 }
    /// Few large pieces: asking a card for memory waits for it.
    var leastSegment: Int { device.leastSegment }

    func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? { device.allocate(byteCount) }
    func free(_ memory: UnsafeMutableRawPointer, byteCount: Int) { device.free(memory) }
}
