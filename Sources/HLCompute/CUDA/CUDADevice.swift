import CCUDA
import HLTensor

/// What `CUDABackend` asks of a device: memory, launches of our kernels, matrix products and convolutions.
///
/// Everything is enqueued in order on one stream and returns at once; only `download` waits, an upload whose buffers are
/// full, and whoever asks for new memory. Pointers are addresses of the device, which the host may not follow. There are
/// two: `DriverDevice` is a card, and the tests have one that runs the same kernels on the processor.
package protocol CUDADevice: AnyObject {
    /// Card, driver and libraries, for people.
    var summary: String { get }

    /// The same but for which of several equal cards it is.
    var kind: String { get }

    /// What it makes of BF16.
    var bf16: BF16Support { get }

    /// Whether it multiplies in TF32.
    var hasTF32: Bool { get }

    /// Whether it convolves by a library; else convolutions are products of matrices.
    var convolves: Bool { get }

    /// Whether new tensors are to be filled with NaN first, so that whoever reads what nobody wrote is found out.
    var poisons: Bool { get }

    /// Pixels that networks render at a time.
    var renderedPixels: Int { get }

    /// Bytes of the smallest piece of memory worth asking for.
    var leastSegment: Int { get }

    /// Memory, aligned to 256 bytes, or nil where there is no more.
    func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer?

    /// What to say where so many bytes cannot be had.
    func shortage(of byteCount: Int) -> String

    /// Gives back what `allocate` gave.
    func free(_ memory: UnsafeMutableRawPointer)

    /// From the host; the source may change as soon as this returns.
    func upload(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) throws(Failure)

    /// To the host, after everything enqueued so far.
    /// - Throws: what has gone wrong on the device since the last one, too.
    func download(_ source: UnsafeRawPointer, into target: UnsafeMutableRawBufferPointer) throws(Failure)

    /// On the device, from one place to another that does not overlap it.
    func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, byteCount: Int) throws(Failure)

    /// Sets every byte.
    func fill(_ target: UnsafeMutableRawPointer, byteCount: Int, with byte: UInt8) throws(Failure)

    /// Starts `grid.x` × `grid.y` blocks of `HL_CUDA_THREADS` threads.
    /// - Parameter arguments: as many bytes as the kernel's arguments have; read before this returns.
    func launch(_ kernel: hl_kernel, grid: Grid, arguments: UnsafeRawBufferPointer) throws(Failure)

    /// c = op(a) op(b), or that added to c.
    func multiply(
        _ product: MatrixProduct, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ c: UnsafeMutableRawPointer)
        throws(Failure)

    /// Bytes that a convolution needs beside its tensors.
    func workspace(of convolution: DeviceConvolution) throws(Failure) -> Int

    /// Computes the tensor of its pass from the two others.
    func convolve(
        _ convolution: DeviceConvolution, x: UnsafeMutableRawPointer, weight: UnsafeMutableRawPointer,
        y: UnsafeMutableRawPointer, workspace: UnsafeMutableRawPointer?) throws(Failure)

    /// Connects it with the devices of the other processes; all of them call.
    func exchange(over communicator: any Communicator) throws(Failure) -> any DeviceExchange
}

extension CUDADevice {
    package var renderedPixels: Int { 64 << 14 }
}

/// Blocks of a launch.
package struct Grid: Sendable {
    /// Along blockIdx.x.
    package let x: Int
    /// Along blockIdx.y.
    package let y: Int

    /// So many blocks, at least one each way.
    package init(_ x: Int, _ y: Int = 1) {
        self.x = max(1, x)
        self.y = max(1, y)
    }

    /// Blocks enough to fill any card, for a kernel whose threads take `count` things in turns.
    package static func over(_ count: Int) -> Grid {
        let threads = Int(HL_CUDA_THREADS)
        return Grid(min((count + threads - 1) / threads, 4096))
    }
}

/// c [m, n] = op(a) op(b) in row-major order, F32 sums; `count` of them, one behind the other.
package struct MatrixProduct: Hashable, Sendable {
    /// Rows of c.
    package var rows: Int
    /// Columns of c.
    package var columns: Int
    /// What is summed over.
    package var depth: Int
    /// Whether a is given as [k, m].
    package var transposeA = false
    /// Whether b is given as [n, k].
    package var transposeB = false
    /// Values from one row of a, b and c, as they are given, to the next.
    package var strides: (a: Int, b: Int, c: Int) {
        get { (strideA, strideB, strideC) }
        set { (strideA, strideB, strideC) = newValue }
    }
    private var strideA: Int
    private var strideB: Int
    private var strideC: Int
    /// Products of one shape.
    package var count = 1
    /// Values from one product's a, b and c to those of the next.
    package var steps: (a: Int, b: Int, c: Int) {
        get { (stepA, stepB, stepC) }
        set { (stepA, stepB, stepC) = newValue }
    }
    private var stepA = 0
    private var stepB = 0
    private var stepC = 0
    /// Of a and b, F32 or BF16.
    package var type = ElementType.f32
    /// Of c.
    package var resultType = ElementType.f32
    /// Whether c is added to.
    package var accumulates = false
    /// Whether F32 may be rounded to TF32, 10 bits of significand, on its way in.
    package var tf32 = false
    /// Factor on the product.
    package var scale: Float = 1

    /// Tight matrices.
    package init(rows: Int, columns: Int, depth: Int, transposeA: Bool = false, transposeB: Bool = false) {
        (self.rows, self.columns, self.depth) = (rows, columns, depth)
        (self.transposeA, self.transposeB) = (transposeA, transposeB)
        (strideA, strideB, strideC) = (transposeA ? rows : depth, transposeB ? depth : columns, columns)
    }
}

/// A convolution of tensors whose channels lie last, x [B, H, W, I], weight [O, k, k, I], y [B, H', W', O].
package struct DeviceConvolution: Hashable, Sendable {
    /// What is computed.
    package enum Pass: Int32, Sendable, CaseIterable {
        /// y of x and weight.
        case forward
        /// x of y and weight.
        case inputGradient
        /// The weight of x and y.
        case weightGradient
    }

    /// What is computed.
    package let pass: Pass
    /// [B, I, H, W]
    package let input: [Int]
    /// [O, I, k, k]
    package let weight: [Int]
    /// Geometry.
    package let window: Window
    /// Of all three, F32 or BF16; sums are F32.
    package let type: ElementType
    /// Whether F32 may be rounded to TF32 on its way in.
    package let tf32: Bool

    /// A convolution by its shapes.
    package init(_ pass: Pass, input: [Int], weight: [Int], window: Window, type: ElementType, tf32: Bool) {
        (self.pass, self.input, self.weight, self.window, self.type, self.tf32) = (
            pass, input, weight, window, type, tf32
        )
    }

    /// [B, O, H', W']
    package var output: [Int] { [input[0], weight[0], window.output(input[2]), window.output(input[3])] }
}
