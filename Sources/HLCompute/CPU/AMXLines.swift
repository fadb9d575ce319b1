import HLTensor

/// Positions of a convolution's input and output in lines, so that for each tap the two lie a fixed distance apart: for one group
/// of samples (`hl_amx_gradient`), or for each sample (`hl_amx_lines`).
struct AMXLines {
    /// Of the output, and of the input.
    let length, pitch: Int
    let phases: Int
    /// Values from one position of the input to the next.
    let step: Int
    let inputPositions, outputPositions: Int
    /// Positions, −1 for zeros.
    let inputs, outputs: [Int32]
    let tapPhases, tapOffsets: [Int32]

    /// Whether some taps begin at odd places, for which the kernels want a copy of the input's lines.
    var versions: Int { tapOffsets.contains { $0 % 2 != 0 } ? 2 : 1 }
    /// The share of the output's line that is not zeros, be they between rows or behind the last.
    var fill: Double { Double(outputs.count { $0 >= 0 }) / Double(length) }

    /// The positions of all samples of a group in one line without gaps; of the input one for every tap.
    static func points(_ span: Int, _ input: [Int], _ output: [Int], _ window: Window) -> AMXLines {
        let positions = output[2] * output[3], count = span * positions, length = (count + 31) / 32 * 32
        let taps = window.size * window.size
        let inputs = (0..<taps).flatMap { tap in
            (0...length).map { place -> Int32 in
                let row = place % positions / output[3] * window.stride + tap / window.size - window.padding
                let column = place % output[3] * window.stride + tap % window.size - window.padding
                let exists = place < count && (0..<input[2]).contains(row) && (0..<input[3]).contains(column)
                return exists ? Int32((place / positions * input[2] + row) * input[3] + column) : -1
            }
        }
        return AMXLines(
            length: length, pitch: length, phases: taps, step: input[1], inputPositions: span * input[2] * input[3],
            outputPositions: count, inputs: inputs, outputs: (0..<length).map { Int32($0 < count ? $0 : -1) },
            tapPhases: (0..<taps).map { Int32($0) }, tapOffsets: Array(repeating: 0, count: taps))
    }

    /// How long lines of rows are, without them: of the output, and of the input with its phases.
    private static func size(_ output: [Int], _ window: Window) -> (length: Int, pitch: Int, phases: Int) {
        let (height, width) = (output[2], output[3]), reach = (window.size - 1) / window.stride
        let length = ((height - 1) * (width + reach) + width + 31) / 32 * 32
        let steps = min(window.stride, window.size)
        return (length, (length + reach * (width + reach + 1) + 1) / 2 * 2, steps * steps)
    }

    /// Whether lines of rows have few zeros, and those of a sample of so many channels stay in the second-level cache: then
    /// `AMXLineProducts` are faster than rows that are gathered for every tap. Measured on a Xeon with 2 MB of it.
    static func suitProducts(_ channels: Int, _ output: [Int], _ window: Window) -> Bool {
        guard window.size > 1, window.stride <= window.size, output[2] > 0, output[3] > 0 else { return false }
        let size = size(output, window)
        return output[2] * output[3] * 5 >= size.length * 3
            && size.phases * size.pitch * channels * ElementType.bf16.size <= 512 << 10
    }

    /// Rows of the output one behind the other, as far apart as taps of a row reach; of the input, every row and column of
    /// a phase.
    static func rows(_ input: [Int], _ output: [Int], _ window: Window) -> AMXLines {
        let (height, width) = (output[2], output[3]), reach = (window.size - 1) / window.stride
        let steps = min(window.stride, window.size), pitchOfRow = width + reach
        let size = (height + reach) * pitchOfRow, (length, pitch, _) = Self.size(output, window)
        let inputs = (0..<steps * steps).flatMap { phase in
            (0...pitch).map { place -> Int32 in
                let row = place / pitchOfRow * window.stride + phase / steps - window.padding
                let column = place % pitchOfRow * window.stride + phase % steps - window.padding
                let exists = place < size && (0..<input[2]).contains(row) && (0..<input[3]).contains(column)
                return exists ? Int32(row * input[3] + column) : -1
            }
        }
        let outputs = (0..<length).map { place -> Int32 in
            let (row, column) = (place / pitchOfRow, place % pitchOfRow)
            return row < height && column < width ? Int32(row * width + column) : -1
        }
        let taps = (0..<window.size * window.size).map { (row: $0 / window.size, column: $0 % window.size) }
        return AMXLines(
            length: length, pitch: pitch, phases: steps * steps, step: input[1], inputPositions: input[2] * input[3],
            outputPositions: height * width, inputs: inputs, outputs: outputs,
            tapPhases: taps.map { Int32($0.row % steps * steps + $0.column % steps) },
            tapOffsets: taps.map { Int32($0.row / window.stride * pitchOfRow + $0.column / window.stride) })
    }
}
