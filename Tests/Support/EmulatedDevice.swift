import CCUDA
import EmulatedCUDA
import HLCompute
import HLTensor

/// A device that is none: host memory, our kernels compiled for the processor, and products as a library would make them.
///
/// Everything is done at once. New tensors are NaN until somebody writes them.
package final class EmulatedDevice: CUDADevice {
    package let convolves: Bool
    private let isBackwards: Bool
    private let memory: Int
    private let hasPlans: Bool
    /// What has been convolved by its library so far.
    package private(set) var convolutions: [DeviceConvolution] = []
    /// Bytes that have come from the host so far.
    package private(set) var uploaded = 0
    /// Bytes that have gone to it.
    package private(set) var downloaded = 0

    /// - Parameters:
    ///   - convolves: whether it has a library of convolutions.
    ///   - isBackwards: whether blocks, and threads between barriers, run from the last to the first.
    ///   - memory: bytes that it has.
    ///   - hasPlans: whether its library has a way to convolve anything.
    ///   - isOld: whether it has neither BF16 nor TF32.
    package init(
        convolves: Bool = true, isBackwards: Bool = false, memory: Int = .max, hasPlans: Bool = true,
        isOld: Bool = false
    ) {
        self.hasPlans = hasPlans
        bf16 = isOld ? .missing : .native
        hasTF32 = !isOld
        self.convolves = convolves
        self.memory = memory
        self.isBackwards = isBackwards
    }

    package let summary = "an emulated card"
    package var kind: String { summary }
    package let bf16: BF16Support
    package let hasTF32: Bool
    package let poisons = true
    package let renderedPixels = 2 << 12
    package let leastSegment = 32 << 20

    private var sizes: [UnsafeMutableRawPointer: Int] = [:]

    package func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard sizes.values.reduce(byteCount, +) <= self.memory else { return nil }
        guard let memory = HostSegments().allocate(byteCount) else { return nil }
        sizes[memory] = byteCount
        return memory
    }

    package func shortage(of byteCount: Int) -> String { "the emulated card is full" }

    package func free(_ memory: UnsafeMutableRawPointer) {
        if let byteCount = sizes.removeValue(forKey: memory) { HostSegments().free(memory, byteCount: byteCount) }
    }

    package func upload(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
        uploaded += source.count
        if let start = source.baseAddress { target.copyMemory(from: start, byteCount: source.count) }
    }

    package func download(_ source: UnsafeRawPointer, into target: UnsafeMutableRawBufferPointer) {
        downloaded += target.count
        target.baseAddress?.copyMemory(from: source, byteCount: target.count)
    }

    package func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, byteCount: Int) {
        precondition(
            source + byteCount <= UnsafeRawPointer(target) || UnsafeRawPointer(target) + byteCount <= source,
            "a copy onto itself")
        target.copyMemory(from: source, byteCount: byteCount)
    }

    package func fill(_ target: UnsafeMutableRawPointer, byteCount: Int, with byte: UInt8) {
        target.initializeMemory(as: UInt8.self, repeating: byte, count: byteCount)
    }

    package func launch(_ kernel: hl_kernel, grid: Grid, arguments: UnsafeRawBufferPointer) {
        hl_emulated_launch(kernel, UInt32(grid.x), UInt32(grid.y), isBackwards ? 1 : 0, arguments.baseAddress)
    }

    package func multiply(
        _ product: MatrixProduct, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer
    ) {
        let size = product.type.size
        for index in 0..<product.count {
            func matrix(_ at: UnsafeRawPointer, _ type: ElementType, _ transposed: Bool, _ stride: Int)
                -> hl_emulated_matrix
            {
                hl_emulated_matrix(
                    at: UnsafeMutableRawPointer(mutating: at), narrow: type == .bf16 ? 1 : 0,
                    transposed: transposed ? 1 : 0, stride: stride)
            }
            hl_emulated_multiply(
                product.rows, product.columns, product.depth, product.scale,
                matrix(a + index * product.steps.a * size, product.type, product.transposeA, product.strides.a),
                matrix(b + index * product.steps.b * size, product.type, product.transposeB, product.strides.b),
                product.accumulates ? 1 : 0,
                matrix(
                    c + index * product.steps.c * product.resultType.size, product.resultType, false, product.strides.c)
            )
        }
    }

    package func workspace(of convolution: DeviceConvolution) throws(Failure) -> Int {
        if !hasPlans { throw Failure(.software, "no plan", "") }
        return 0
    }

    package func convolve(
        _ convolution: DeviceConvolution, x: UnsafeMutableRawPointer, weight: UnsafeMutableRawPointer,
        y: UnsafeMutableRawPointer, workspace: UnsafeMutableRawPointer?
    ) {
        convolutions.append(convolution)
        let output = convolution.output, window = convolution.window
        var shape = hl_emulated_convolution(
            batch: convolution.input[0], inputs: convolution.input[1], height: convolution.input[2],
            width: convolution.input[3], outputs: output[1], rows: output[2], columns: output[3], kernel: window.size,
            stride: window.stride, padding: window.padding, narrow: convolution.type == .bf16 ? 1 : 0)
        hl_emulated_convolve(&shape, convolution.pass.rawValue, x, weight, y)
    }
}

extension EmulatedDevice {
    package func exchange(over communicator: any Communicator) -> any DeviceExchange {
        EmulatedExchange(communicator)
    }
}

/// Exchanges of memory that is the host's in truth.
private final class EmulatedExchange: DeviceExchange {
    private let communicator: any Communicator
    private var waiting: [(values: [UnsafeMutableBufferPointer<Float>], sums: UnsafeMutableBufferPointer<Float>)] = []

    init(_ communicator: any Communicator) { self.communicator = communicator }

    func gather(_ own: UnsafeRawPointer, into all: UnsafeMutableRawPointer, byteCount: Int) {
        communicator.gather(
            UnsafeRawBufferPointer(start: own, count: byteCount),
            into: UnsafeMutableRawBufferPointer(start: all, count: byteCount * communicator.count))
    }

    func beginSum(_ values: [UnsafeMutableBufferPointer<Float>]) {
        let joined = values.flatMap { Array($0) }, count = communicator.count
        let sums = UnsafeMutableBufferPointer<Float>.allocate(capacity: (joined.count + count - 1) / count * count)
        sums.initialize(repeating: 0)
        for (place, value) in joined.enumerated() { sums[place] = value }
        waiting.append((values, sums))
        communicator.beginSum(sums) {}
    }

    func finishSums() {
        communicator.finishSums()
        for (values, sums) in waiting {
            var place = 0
            for target in values {
                for index in target.indices { target[index] = sums[place + index] }
                place += target.count
            }
            sums.deallocate()
        }
        waiting = []
    }
}
