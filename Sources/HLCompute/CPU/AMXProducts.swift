import CKernels
import HLTensor

/// Numbers that kernels for AMX read, as long as this lives.
final class AMXTable {
    let numbers: UnsafePointer<Int32>

    init(_ values: [Int32]) {
        let memory = UnsafeMutablePointer<Int32>.allocate(capacity: max(1, values.count))
        memory.initialize(from: values, count: values.count)
        numbers = UnsafePointer(memory)
    }

    deinit { numbers.deallocate() }
}

/// A convolution, or a part of its way back to the input.
protocol AMXPass: AnyObject {
    /// y of x and the weight, both with samples; other places of y stay as they are.
    func run(
        _ x: Tensor, _ weight: Tensor, into y: Tensor, on backend: any ConvolutionHost,
        timed: (() -> Void) -> Void)
}

/// One of them as products of gathered rows with some taps of a kernel.
final class AMXProducts: AMXPass {
    private let products: hl_amx_products
    private let sources, targets: AMXTable
    private let packing: AMXPacking

    /// - Parameters:
    ///   - input, output: what is read and written, [B, C, H, W].
    ///   - packing: of as many taps as `sources` has for every result.
    ///   - sources: positions of the input, [taps][results], −1 for zeros.
    ///   - targets: positions of the output, [results].
    ///   - isPoint: whether every result has the input's position of the same number as its only source.
    init(
        input: [Int], output: [Int], packing: AMXPacking, taps: Int, sources: [Int32], targets: [Int32],
        isPoint: Bool
    ) {
        self.packing = packing
        self.sources = AMXTable(sources)
        self.targets = AMXTable(targets)
        products = hl_amx_products(
            samples: input[0], taps: taps, inputs: input[1], outputs: output[1], results: targets.count,
            input_positions: input[2] * input[3], output_positions: output[2] * output[3],
            sources: self.sources.numbers, targets: self.targets.numbers,
            is_in_place: isPoint && input[1] % 32 == 0 ? 1 : 0)
    }

    /// Bytes of rows that the second-level cache holds beside a part of the kernel, and results enough for the kernel to be worth
    /// fetching: where their rows are too long for that cache, rows and kernel come in pieces. Measured on a Xeon with 2 MB of it.
    private static let rowBytes = 512 << 10, leastResults = 128
    /// Weights of a kernel that stays in that cache. Rows that are not gathered for it come a few at a time then, so that what is
    /// written of them, 32 outputs after the other, stays there too: up to 1.3 times as fast.
    private static let mostWeights = 512 << 10

    func run(
        _ x: Tensor, _ weight: Tensor, into y: Tensor, on backend: any ConvolutionHost,
        timed: (() -> Void) -> Void
    ) {
        let packed = packing.packed(weight, on: backend), products = products
        let results = products.samples * products.results, threads = backend.threads
        let share = ((results + threads - 1) / threads + 31) / 32 * 32
        let all = withUnsafePointer(to: products, hl_amx_step_count), stepBytes = 32 * ElementType.bf16.size
        let fitting = max(1, Self.rowBytes / stepBytes / min(share, Self.leastResults))
        let pieces = (all + fitting - 1) / fitting
        let steps = (all + pieces - 1) / pieces
        // Results of a block; each of them is the same in any. As many blocks for every thread.
        let isSmall = products.is_in_place != 0 && products.inputs * products.outputs <= Self.mostWeights
        let fits = isSmall ? Self.leastResults : max(32, Self.rowBytes / stepBytes / steps / 32 * 32)
        let most = min(share, fits)
        let rounds = (results + most * threads - 1) / (most * threads)
        let count = ((results + rounds * threads - 1) / (rounds * threads) + 31) / 32 * 32
        let blocks = (results + count - 1) / count
        let groups = (products.outputs + 31) / 32, parts = min(groups, max(1, threads / blocks))
        let outputs = (groups + parts - 1) / parts * 32
        let bytes = (withUnsafePointer(to: products) { hl_amx_room($0, count, outputs, steps) } + 63) / 64 * 64
        let rooms = backend.storage(bytes: threads * bytes, .plain)
        nonisolated(unsafe) let (x, y, weights) = (x.narrow, y.narrow, packed.values)
        nonisolated(unsafe) let room = UnsafeMutableRawPointer(rooms.bytes)
        withUnsafePointer(to: products) { description in
            timed {
                backend.parallel(tasks: blocks * parts) { worker, task in
                    let first = task / parts * count, part = task % parts
                    hl_amx_multiply(
                        description, first, min(first + count, results), groups * part / parts * 32,
                        min(groups * (part + 1) / parts * 32, products.outputs), steps, x, weights, y,
                        room + worker * bytes)
                }
            }
        }
        withExtendedLifetime(rooms) {}
    }
}

extension CPUStorage {
    /// The first value, as one of BF16.
    var values: UnsafeMutablePointer<UInt16> { UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: UInt16.self) }
}
