import CKernels
import HLTensor

/// The gradient of a kernel, for some samples at a time.
final class AMXGradient {
    private let gradient: hl_amx_gradient
    private let tables: [AMXTable]
    /// Samples that it takes at once.
    let samples: Int

    /// - Parameters:
    ///   - input: [B, C, H, W], of which B samples are taken at once.
    ///   - output: [B, O, H', W'].
    init(_ kernel: hl_amx_kernel, input: [Int], output: [Int], window: Window) {
        samples = input[0]
        let span = Self.hasPoints(input, output, window) ? Self.span(samples, output[2] * output[3]) : nil
        let lines =
            if AMXColumns.suit(input[1], window) {
                AMXColumns(input: input, output: output, window: window).lines
            } else if let span {
                AMXLines.points(span, input, output, window)
            } else {
                AMXLines.rows(input, output, window)
            }
        tables = [lines.inputs, lines.outputs, lines.tapPhases, lines.tapOffsets].map(AMXTable.init)
        gradient = hl_amx_gradient(
            kernel: kernel, groups: samples / (span ?? 1), input_positions: lines.inputPositions,
            output_positions: lines.outputPositions, step: lines.step, length: lines.length,
            pitch: lines.pitch, phases: lines.phases, versions: lines.versions,
            inputs: tables[0].numbers, outputs: tables[1].numbers, tap_phases: tables[2].numbers,
            tap_offsets: tables[3].numbers)
    }

    /// Whether rows of the output would leave too many zeros between them: measured, as what follows.
    private static func hasPoints(_ input: [Int], _ output: [Int], _ window: Window) -> Bool {
        !AMXColumns.suit(input[1], window)
            && (window.size == 1 || AMXLines.rows(input, output, window).fill < 0.6)
    }

    /// The most samples whose positions make a line of some hundreds, of which all of a batch make whole lines.
    private static func span(_ samples: Int, _ positions: Int) -> Int {
        let most = max(1, 512 / max(1, positions))
        return (1...min(most, samples)).last { samples % $0 == 0 } ?? 1
    }

    /// Bytes of lines that the second-level cache holds, and the fewest products for which a block's sums are worth fetching:
    /// both measured, as those of `AMXProducts`.
    private static let bestBytes = 512 << 10, leastSteps = 6

    /// How many samples it is best to take at once: whole lines of them.
    static func samples(_ kernel: hl_amx_kernel, input: [Int], output: [Int], window: Window) -> Int {
        let positions = output[2] * output[3]
        let few = min(input[0], hasPoints(input, output, window) ? max(1, 512 / max(1, positions)) : 1)
        let some = AMXGradient(
            kernel, input: [few] + input.dropFirst(), output: [few] + output.dropFirst(), window: window)
        let bytes = some.lineBytes / few
        let steps = some.gradient.groups * some.gradient.length / 32
        let best = max(bestBytes / bytes, (leastSteps * few + steps - 1) / steps)
        return min(input[0], max(few, best / few * few))
    }

    private var inputCount: Int { withUnsafePointer(to: gradient, hl_amx_input_count) }

    /// Bytes of the lines of x and of the gradient.
    var lineBytes: Int {
        (inputCount + withUnsafePointer(to: gradient, hl_amx_output_count)) * ElementType.bf16.size
    }

    /// Adds the gradient of samples of y and x from `first` on to `sums`, which begin and end with a slice of the batch.
    /// - Parameters:
    ///   - lines: room for them.
    ///   - split: calls its argument for all of so many pieces of work, on one thread or on several.
    func add(
        _ y: Tensor, _ x: Tensor, from first: Int, of slice: Range<Int>, lines: UnsafeMutableRawPointer,
        to sums: UnsafeMutablePointer<Float>, split: (_ count: Int, _ body: (Range<Int>) -> Void) -> Void
    ) {
        nonisolated(unsafe) let inputs = lines.assumingMemoryBound(to: UInt16.self), outputs = inputs + inputCount
        nonisolated(unsafe) let x = x.narrow + first * (x.elementCount / x.shape[0])
        nonisolated(unsafe) let y = y.narrow + first * (y.elementCount / y.shape[0])
        let kernel = gradient.kernel, groups = gradient.groups
        let tasks = groups * ((kernel.inputs + 31) / 32), others = groups * ((kernel.outputs + 31) / 32)
        let begins: Int32 = first == slice.lowerBound ? 1 : 0
        let ends: Int32 = first + samples == slice.upperBound ? 1 : 0
        withUnsafePointer(to: gradient) { description in
            split(tasks + others) {
                hl_amx_pack_input(description, min($0.lowerBound, tasks), min($0.upperBound, tasks), x, inputs)
                hl_amx_pack_gradient(
                    description, max($0.lowerBound, tasks) - tasks, max($0.upperBound, tasks) - tasks, y, outputs)
            }
            split(hl_amx_part_count(description)) {
                hl_amx_add_gradient(description, $0.lowerBound, $0.upperBound, inputs, outputs, begins, ends, sums)
            }
        }
    }
}
