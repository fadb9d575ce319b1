import CKernels
import COpenBLAS
import HLTensor

/// The backend on host memory and the processor's threads: our own kernels, OpenBLAS for matrices, and a
/// `ConvolutionEngine` for convolutions and for the layout of activations.
///
/// Not thread-safe: one thread enqueues. Every kernel splits its work the same way for the same shape and thread count,
/// and no sum crosses threads, so that results repeat bit for bit.
package final class CPUBackend: Backend, ConvolutionHost {
    package let threads: Int
    /// Where all tensors live.
    package let arena = Arena()
    /// What convolves.
    package let engine: any ConvolutionEngine
    private var failure: Failure?

    /// - Parameters:
    ///   - threads: threads in all, 0 for one per core.
    ///   - engine: made once OpenBLAS is there, for as many threads.
    /// - Throws: `Failure(.software)` where a library cannot be loaded.
    package init(threads: Int, engine: (_ threads: Int) throws(Failure) -> any ConvolutionEngine) throws(Failure) {
        let count = threads > 0 ? threads : Machine.coreCount
        self.threads = count
        // The engine's library first: what is missing there has the more telling remedy.
        self.engine = try engine(count)
        try Libraries.loadOpenBLAS(threads: count)
    }

    package var summary: String {
        let matrices = "OpenBLAS (\(String(cString: hl_blas_description()))), \(threads) threads"
        return engine.summary.map { "\($0), \(matrices)" } ?? matrices
    }

    // MARK: Errors and threads

    package func fail(_ error: Failure) {
        if failure == nil { failure = error }
    }

    /// What to keep where a kernel of a library says that it failed.
    package var libraryFailure: Failure {
        Failure(.software, "a kernel of a library failed (\(summary))", "report this with the output of --version")
    }

    /// Throws the error that is kept, if there is one, and forgets it.
    func takeFailure() throws {
        guard let error = failure else { return }
        failure = nil
        throw error
    }

    /// Parts for each thread: few enough to cost nothing, and enough that one which is held up can leave some to others.
    private static let partsPerThread = 4

    /// Runs `body` on equal parts of `0..<count`, none smaller than `grain`, on at most as many threads as the backend has.
    package func parallel(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
        parallel(count, grain: grain, backwards: false, body)
    }

    /// The same, of each thread's parts the last one first if asked.
    func parallel(_ count: Int, grain: Int, backwards: Bool, _ body: (Range<Int>) -> Void) {
        let parts = max(1, min(Self.partsPerThread * threads, count / max(1, grain)))
        if threads == 1 || parts == 1 {
            if count > 0 { body(0..<count) }
            return
        }
        parallel(tasks: parts, backwards: backwards) { _, part in
            body(count * part / parts..<count * (part + 1) / parts)
        }
    }

    /// Runs `body` for every one of `0..<tasks`, with a number below `threads` that no other has which runs at the same time.
    package func parallel(tasks: Int, _ body: (_ worker: Int, _ task: Int) -> Void) {
        parallel(tasks: tasks, backwards: false, body)
    }

    private func parallel(tasks: Int, backwards: Bool, _ body: (_ worker: Int, _ task: Int) -> Void) {
        let workers = min(threads, tasks), shares = WorkShares(tasks, workers: workers, backwards: backwards)
        inParallel(workers, parts: workers) { range in
            for worker in range {
                while let task = shares.next(for: worker) { body(worker, task) }
            }
        }
    }

    /// Elements below which starting a second thread costs more than it brings.
    static let elementGrain = 1 << 15

    // MARK: Memory

    /// A tensor whose values are not initialised.
    package func allocate(_ shape: [Int], _ layout: CPUStorage.Layout = .plain, type: ElementType = .f32) -> Tensor {
        let count = shape.reduce(1, *)
        let bytes =
            switch layout {
            case .plain, .channelsLast: count * type.size
            case .blocked(let block): count / shape[1] * ((shape[1] + block - 1) / block * block) * type.size
            case .library(let layout): layout.byteCount
            }
        return Tensor(type, shape: shape, storage: storage(bytes: bytes, layout))
    }

    /// Memory that is not initialised; where there is none, the process ends with a message (`Memory`).
    package func storage(bytes: Int, _ layout: CPUStorage.Layout = .plain) -> CPUStorage {
        guard let block = arena.allocate(bytes) else {
            // There is nothing to go on with: unlike a failed operation, memory that is not there cannot be computed on.
            Memory.exhausted(bytes, for: "tensors")
        }
        return CPUStorage(layout: layout, block: block, arena: arena)
    }

    /// A tensor of another's type, shape and layout, not initialised.
    func like(_ tensor: Tensor) -> Tensor { allocate(tensor.shape, tensor.cpu.layout, type: tensor.type) }

    package func tensor(
        _ type: ElementType, shape: [Int], filling body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows -> Tensor {
        precondition(type == .f32 || type == .u8 || type == .i32, "no backend holds \(type.rawValue)")
        let result = allocate(shape, type: type)
        try body(UnsafeMutableRawBufferPointer(start: result.cpu.bytes, count: result.byteCount))
        return result
    }

    package func constant(_ value: Float, shape: [Int]) -> Tensor {
        let result = allocate(shape)
        hl_fill(result.floats, value, result.elementCount)
        return result
    }

    package func assign(_ host: HostTensor, to target: Tensor) {
        precondition(host.shape == target.shape && host.type == target.type)
        if target.cpu.layout != .plain { target.cpu.exchange(with: allocate(target.shape).cpu) }
        host.withUnsafeBytes { values in
            if let start = values.baseAddress {
                UnsafeMutableRawPointer(target.cpu.bytes).copyMemory(from: start, byteCount: values.count)
            }
        }
        target.cpu.version += 1
    }

    package func read(_ tensor: Tensor) throws -> HostTensor {
        // Bringing it into row-major order can fail as well.
        let plain = plain(tensor.type == .bf16 ? converted(tensor, to: .f32) : tensor)
        try takeFailure()
        return HostTensor(plain.type, shape: tensor.shape) { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: plain.cpu.bytes, count: bytes.count))
        }
    }

    package func copy(_ source: Tensor) -> Tensor {
        let result = like(source)
        result.cpu.bytes.update(from: source.cpu.bytes, count: source.storedBytes)
        return result
    }

    package func freeze(_ weight: Tensor) { weight.cpu.isFrozen = true }

    /// The tensor itself if it is row-major, else a copy that is.
    func plain(_ tensor: Tensor) -> Tensor {
        switch tensor.cpu.layout {
        case .plain: return tensor
        case .blocked, .channelsLast:
            let result = allocate(tensor.shape, type: tensor.type)
            parallel(tensor.shape[0]) {
                hl_unblock(
                    tensor.planes, tensor.shape[1], $0.lowerBound, $0.upperBound, tensor.values(), result.values())
            }
            return result
        case .library(let layout):
            let result = allocate(tensor.shape)
            if !layout.unpack(tensor.floats, into: result.floats) { fail(libraryFailure) }
            return result
        }
    }

    /// The tensor itself if it has that layout, else a copy that has.
    package func laidOut(_ tensor: Tensor, as layout: CPUStorage.Layout) -> Tensor {
        guard tensor.cpu.layout != layout else { return tensor }
        let source = plain(tensor)
        switch layout {
        case .plain: return source
        case .blocked, .channelsLast:
            let result = allocate(tensor.shape, layout, type: tensor.type)
            parallel(tensor.shape[0]) {
                hl_block(
                    result.planes, tensor.shape[1], $0.lowerBound, $0.upperBound, source.values(), result.values())
            }
            return result
        case .library(let library):
            let result = allocate(tensor.shape, layout)
            if !library.pack(source.floats, into: result.floats) { fail(libraryFailure) }
            return result
        }
    }

    package func converted(_ x: Tensor, to type: ElementType) -> Tensor {
        guard x.type != type else { return x }
        let result = allocate(x.shape, x.cpu.layout, type: type)
        forEachElement(x) {
            if type == .bf16 {
                hl_narrow(x.floats + $0, result.narrow + $0, $1)
            } else {
                hl_widen_values(x.narrow + $0, result.floats + $0, $1)
            }
        }
        return result
    }

    /// A gradient with the type and the layout of what it is the gradient of.
    func matched(_ gradient: Tensor, to value: Tensor) -> Tensor {
        laidOut(converted(gradient, to: value.type), as: value.cpu.layout)
    }

    /// Brings a tensor into another layout where it is, for good.
    func adopt(_ layout: CPUStorage.Layout, for tensor: Tensor) {
        if tensor.cpu.layout != layout { tensor.cpu.exchange(with: laidOut(tensor, as: layout).cpu) }
    }
}
