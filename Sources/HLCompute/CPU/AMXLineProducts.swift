import CKernels
import HLTensor

/// A convolution, or its way back to the input where there is no stride, as products of positions that lie in lines
/// (`AMXLines.rows`): each is copied once, not for every tap.
final class AMXLineProducts: AMXPass {
    private let lines: hl_amx_lines
    private let tables: [AMXTable]
    private let packing: AMXPacking

    /// - Parameters:
    ///   - input, output: what is read and written, [B, C, H, W].
    ///   - window: of the convolution from one to the other.
    ///   - packing: of its taps.
    init(input: [Int], output: [Int], window: Window, packing: AMXPacking) {
        self.packing = packing
        let geometry = AMXLines.rows(input, output, window)
        tables = [geometry.inputs, geometry.outputs, geometry.tapPhases, geometry.tapOffsets].map(AMXTable.init)
        lines = hl_amx_lines(
            taps: geometry.tapOffsets.count, inputs: input[1], outputs: output[1],
            input_positions: geometry.inputPositions, output_positions: geometry.outputPositions,
            length: geometry.length, pitch: geometry.pitch + 1, phases: geometry.phases,
            places: tables[0].numbers, targets: tables[1].numbers, tap_phases: tables[2].numbers,
            tap_offsets: tables[3].numbers)
    }

    /// Bytes of lines that a task makes at once.
    private static let lineBytes = 256 << 10

    func run(
        _ x: Tensor, _ weight: Tensor, into y: Tensor, on backend: any ConvolutionHost,
        timed: (() -> Void) -> Void
    ) {
        let packed = packing.packed(weight, on: backend), samples = x.shape[0], threads = backend.threads
        let room = withUnsafePointer(to: lines) { hl_amx_lines_room($0, 1) }
        let count = max(1, min(Self.lineBytes / room, (samples + threads - 1) / threads))
        let blocks = (samples + count - 1) / count
        let groups = (lines.outputs + 31) / 32, parts = min(groups, max(1, threads / blocks))
        let rooms = backend.storage(bytes: threads * count * room, .plain)
        nonisolated(unsafe) let (x, y, weights) = (x.narrow, y.narrow, packed.values)
        nonisolated(unsafe) let memory = rooms.values
        withUnsafePointer(to: lines) { description in
            timed {
                backend.parallel(tasks: blocks * parts) { worker, task in
                    let first = task / parts * count, part = task % parts
                    hl_amx_multiply_lines(
                        description, first, min(first + count, samples), groups * part / parts * 32,
                        min(groups * (part + 1) / parts * 32, description.pointee.outputs), x, weights, y,
                        memory + worker * count * room / ElementType.bf16.size)
                }
            }
        }
        withExtendedLifetime(rooms) {}
    }
}
