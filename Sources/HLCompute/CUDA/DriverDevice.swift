import CCUDA
import HLTensor

/// A card of NVIDIA's, by its driver.
package final class DriverDevice: CUDADevice {
    /// As C has it.
    let handle: OpaquePointer
    /// As the user counts.
    let index: Int
    private let compiler: KernelCompiler
    /// 90 for compute capability 9.0.
    private let architecture: Int
    /// Why the last request for memory failed, where there was some.
    private var problemOfMemory: String?
    /// Why cuDNN is not used, if it is not.
    private let problemOfCUDNN: String?
    package let leastSegment: Int
    /// Whether new tensors are NaN: for tests on a card.
    package var poisons = false

    /// Opens a card, from 0 on.
    /// - Throws: `Failure` (software, or usage where there are not so many).
    package init(index: Int) throws(Failure) {
        let count = try CUDALibraries.cardCount()
        guard (0..<count).contains(index) else {
            throw Failure(
                .usage, "there is no card \(index)",
                count == 1 ? "there is one, and it is 0" : "choose one from 0 to \(count - 1)")
        }
        let architecture = Int(hl_cuda_device_architecture(Int32(index)))
        let libraries = try CUDALibraries.load(architecture: architecture)
        guard let target = KernelCompiler.Target(card: architecture, known: libraries.architectures) else {
            throw Failure(.software, "NVRTC does not know this card", "report this with the output of --version")
        }
        var message = [CChar](repeating: 0, count: 512)
        guard let handle = hl_cuda_device_open(Int32(index), &message, message.count) else {
            throw Self.failure(message.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
        }
        self.handle = handle
        self.index = index
        self.architecture = architecture
        compiler = KernelCompiler(version: Int(hl_cuda_nvrtc_version()), target: target, cache: KernelCache())
        problemOfCUDNN = libraries.problemOfCUDNN ?? hl_cuda_dnn_open(handle).map { String(cString: $0) }
        var free = 0, total = 0
        _ = hl_cuda_device_memory(handle, &free, &total)
        leastSegment = max(32 << 20, min(256 << 20, total / 64))
    }

    deinit { hl_cuda_device_close(handle) }

    // MARK: What it is

    package var convolves: Bool { problemOfCUDNN == nil }

    /// The libraries multiply BF16 from Ampere on.
    package var bf16: BF16Support { architecture >= 80 ? .native : .missing }

    /// As do they TF32.
    package var hasTF32: Bool { architecture >= 80 }

    package var summary: String { text(place: "cuda:\(index), ") }
    package var kind: String { text(place: "") }

    private func text(place: String) -> String {
        let blas = Int(hl_cuda_blas_version()), dnn = hl_cuda_dnn_version()
        let convolutions = problemOfCUDNN.map { "no cuDNN (\($0))" } ?? "cuDNN \(Self.dnnText(dnn))"
        return "\(String(cString: hl_cuda_device_name(handle))) (\(place)sm_\(architecture)), "
            + "driver for CUDA \(Self.text(Int(hl_cuda_driver_version()))), NVRTC \(Self.text(compiler.version)), "
            + "cuBLAS \(blas / 10000).\(blas / 100 % 100).\(blas % 100), \(convolutions)"
    }

    private static func text(_ version: Int) -> String { "\(version / 1000).\(version % 1000 / 10)" }

    /// From 9 on the major version has two places more.
    private static func dnnText(_ version: Int) -> String {
        let major = version >= 90000 ? 10000 : 1000
        return "\(version / major).\(version % major / 100).\(version % 100)"
    }

    // MARK: Errors

    /// - Parameter message: what C says, or nil where all is well.
    private func check(_ message: UnsafePointer<CChar>?) throws(Failure) {
        if let message { throw Self.failure(String(cString: message)) }
    }

    private static func failure(_ message: String) -> Failure {
        // CUDA_ERROR_OUT_OF_MEMORY
        message.hasSuffix("(error 2)")
            ? Failure(.resources, "the card has no memory left (\(message))", "lower --batch")
            : Failure(.software, "the card failed (\(message))", "report this with the output of --version")
    }

    // MARK: Memory

    package func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        var memory: UnsafeMutableRawPointer?
        problemOfMemory = hl_cuda_device_allocate(handle, byteCount, &memory).map { String(cString: $0) }
        return memory
    }

    package func shortage(of byteCount: Int) -> String {
        if let problemOfMemory { return "the card gives no memory (\(problemOfMemory))" }
        var free = 0, total = 0
        let known = hl_cuda_device_memory(handle, &free, &total) == nil
        let rest = known ? ", \(free >> 20) of \(total >> 20) MB are free" : ""
        return "the card has no memory left (\(byteCount >> 20) MB wanted\(rest))"
    }

    package func free(_ memory: UnsafeMutableRawPointer) { hl_cuda_device_free(handle, memory) }

    package func upload(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) throws(Failure) {
        try check(hl_cuda_device_upload(handle, source.baseAddress, target, source.count))
    }

    package func download(_ source: UnsafeRawPointer, into target: UnsafeMutableRawBufferPointer) throws(Failure) {
        try check(hl_cuda_device_download(handle, source, target.baseAddress, target.count))
    }

    package func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, byteCount: Int) throws(Failure) {
        try check(hl_cuda_device_copy(handle, source, target, byteCount))
    }

    package func fill(_ target: UnsafeMutableRawPointer, byteCount: Int, with byte: UInt8) throws(Failure) {
        try check(hl_cuda_device_set(handle, target, byte, byteCount))
    }

    // MARK: Work

    package func launch(_ kernel: hl_kernel, grid: Grid, arguments: UnsafeRawBufferPointer) throws(Failure) {
        precondition(grid.x < 1 << 31 && grid.y < 1 << 16, "a grid of \(grid.x) × \(grid.y) blocks")
        if hl_cuda_device_has(handle, kernel) == 0 {
            let file = hl_kernel_described(kernel).file, code = try compiler.code(of: file)
            try check(code.withUnsafeBytes { hl_cuda_device_load(handle, file, $0.baseAddress) })
        }
        try check(
            hl_cuda_device_launch(
                handle, kernel, UInt32(grid.x), UInt32(grid.y), arguments.baseAddress, arguments.count))
    }

    package func multiply(
        _ product: MatrixProduct, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer
    ) throws(Failure) {
        var product = hl_cuda_product(product)
        try check(hl_cuda_blas_multiply(handle, &product, a, b, c))
    }

    package func workspace(of convolution: DeviceConvolution) throws(Failure) -> Int {
        var convolution = hl_cuda_convolution(convolution), count = 0
        try check(hl_cuda_dnn_workspace(handle, &convolution, &count))
        return count
    }

    package func convolve(
        _ convolution: DeviceConvolution, x: UnsafeMutableRawPointer, weight: UnsafeMutableRawPointer,
        y: UnsafeMutableRawPointer, workspace: UnsafeMutableRawPointer?
    ) throws(Failure) {
        var convolution = hl_cuda_convolution(convolution)
        try check(hl_cuda_dnn_convolve(handle, &convolution, x, weight, y, workspace))
    }

    package func exchange(over communicator: any Communicator) throws(Failure) -> any DeviceExchange {
        try NCCLExchange(over: communicator, on: handle, of: self, unless: CUDALibraries.openNCCL())
    }
}

extension hl_cuda_product {
    /// As C has it.
    package init(_ p: MatrixProduct) {
        self.init(
            rows: Int32(p.rows), columns: Int32(p.columns), depth: Int32(p.depth), transpose_a: p.transposeA ? 1 : 0,
            transpose_b: p.transposeB ? 1 : 0, accumulates: p.accumulates ? 1 : 0, count: Int32(p.count),
            narrow: p.type == .bf16 ? 1 : 0, narrow_result: p.resultType == .bf16 ? 1 : 0, tf32: p.tf32 ? 1 : 0,
            stride_a: p.strides.a, stride_b: p.strides.b, stride_c: p.strides.c, step_a: p.steps.a, step_b: p.steps.b,
            step_c: p.steps.c, scale: p.scale)
    }
}

extension hl_cuda_convolution {
    /// As C has it.
    package init(_ c: DeviceConvolution) {
        self.init(
            pass: c.pass.rawValue, narrow: c.type == .bf16 ? 1 : 0, tf32: c.tf32 ? 1 : 0, batch: Int32(c.input[0]),
            inputs: Int32(c.input[1]), height: Int32(c.input[2]), width: Int32(c.input[3]),
            outputs: Int32(c.weight[0]), rows: Int32(c.output[2]), columns: Int32(c.output[3]),
            kernel: Int32(c.window.size), stride: Int32(c.window.stride), padding: Int32(c.window.padding),
            trailing: Int32(c.window.trailing))
    }
}
