import CKernels
import Testing

/// The kernels for AMX against plain loops, where the processor has it. Eighths: products and sums of them are exact, and so is
/// one rounding.
@Suite(.enabled(if: hl_amx_prepare() != 0)) struct AMXTests {
    private static func narrowed(_ values: [Float]) -> [UInt16] {
        var result = [UInt16](repeating: 0, count: values.count)
        hl_narrow(values, &result, values.count)
        return result
    }

    /// Calls `body` with as many values of bf16 as one likes, aligned to a cache line.
    private static func withAligned(
        _ count: Int, filling: UInt16 = 0x7fc0, _ body: (UnsafeMutablePointer<UInt16>) -> Void
    ) {
        withUnsafeTemporaryAllocation(byteCount: max(64, 2 * count), alignment: 64) { bytes in
            let values = bytes.bindMemory(to: UInt16.self)
            values.initialize(repeating: filling)
            body(values.baseAddress!)
        }
    }

    /// [outputs][inputs][taps]
    struct Kernel: Sendable {
        let inputs, outputs, taps: Int
        var columns = 1
        var count: Int { inputs * outputs * taps }
        var description: hl_amx_kernel {
            hl_amx_kernel(inputs: inputs, outputs: outputs, taps: taps, columns: columns)
        }

        /// Where a weight lies in row-major order.
        func index(_ output: Int, _ input: Int, _ tap: Int) -> Int {
            let channels = inputs / columns
            return ((output * channels + input % channels) * taps + tap) * columns + input / channels
        }

        func blocks(_ plain: [Float]) -> [Float] {
            var blocks = [Float](repeating: .nan, count: hl_amx_block_count(description))
            let groups = (outputs + 15) / 16, cut = groups / 2
            hl_amx_block_weights(description, 0, cut, plain, &blocks)
            hl_amx_block_weights(description, cut, groups, plain, &blocks)
            return blocks
        }

        func plain(_ blocks: [Float]) -> [Float] {
            var plain = [Float](repeating: .nan, count: count)
            hl_amx_unblock_weights(description, 0, (outputs + 15) / 16, blocks, &plain)
            return plain
        }
    }

    static let kernels = [
        Kernel(inputs: 16, outputs: 16, taps: 1), Kernel(inputs: 40, outputs: 24, taps: 3),
        Kernel(inputs: 64, outputs: 96, taps: 4), Kernel(inputs: 19, outputs: 80, taps: 2),
        Kernel(inputs: 21, outputs: 32, taps: 7, columns: 7),
    ]

    @Test(arguments: kernels) func blocksAndBack(_ kernel: Kernel) {
        var numbers = Numbers(90)
        let plain = numbers.floats(kernel.count), blocks = kernel.blocks(plain)
        #expect(kernel.plain(blocks) == plain)
        #expect(blocks.filter { $0 != 0 }.count == plain.filter { $0 != 0 }.count)
    }

    @Test(arguments: kernels, [1, 2, 3]) func products(_ kernel: Kernel, divisor: Int) {
        for isBackward in [false, true] { products(kernel, isBackward: isBackward, divisor: divisor) }
    }

    /// Some taps in another order, forward and backward; blocks of results and of outputs by themselves, all steps at once and
    /// in pieces.
    private func products(_ kernel: Kernel, isBackward: Bool, divisor: Int) {
        var numbers = Numbers(91)
        let taps = (0..<kernel.taps).reversed().filter { $0 != 1 || kernel.taps < 3 }.map { Int32($0) }
        let (inputs, outputs) =
            isBackward ? (kernel.outputs, kernel.inputs) : (kernel.inputs, kernel.outputs)
        let samples = 3, results = 17, inputPositions = 11, outputPositions = 19
        let sources = (0..<taps.count * results).map { _ in Int32(numbers.word() % 12) - 1 }
        let targets = (0..<results).map { Int32(outputPositions - 1 - $0) }
        let x = numbers.eighths(samples * inputPositions * inputs), weights = numbers.eighths(kernel.count)
        let blocks = kernel.blocks(weights)
        var y = Self.narrowed([Float](repeating: 7, count: samples * outputPositions * outputs))
        Self.withAligned(hl_amx_packed_count(taps.count, inputs, outputs)) { packed in
            let groups = (outputs + 31) / 32
            for range in [0..<1, 1..<groups] {
                hl_amx_pack_weights(
                    kernel.description, taps, taps.count, isBackward ? 1 : 0, range.lowerBound, range.upperBound,
                    blocks, packed)
            }
            sources.withUnsafeBufferPointer { sources in
                targets.withUnsafeBufferPointer { targets in
                    var products = hl_amx_products(
                        samples: samples, taps: taps.count, inputs: inputs, outputs: outputs, results: results,
                        input_positions: inputPositions, output_positions: outputPositions,
                        sources: sources.baseAddress, targets: targets.baseAddress, is_in_place: 0)
                    let steps = max(1, hl_amx_step_count(&products) / divisor)
                    Self.withAligned(hl_amx_room(&products, 42, outputs, steps) / 2) { room in
                        for block in [0..<9, 9..<51] {
                            for part in [0..<min(32, outputs), min(32, outputs)..<outputs] {
                                hl_amx_multiply(
                                    &products, block.lowerBound, block.upperBound, part.lowerBound, part.upperBound,
                                    steps, Self.narrowed(x), packed, &y, room)
                            }
                        }
                    }
                }
            }
        }
        var expected = [Float](repeating: 7, count: y.count)
        for sample in 0..<samples {
            for result in 0..<results {
                for output in 0..<outputs {
                    var sum: Float = 0
                    for (index, tap) in taps.enumerated() {
                        let place = Int(sources[index * results + result])
                        guard place >= 0 else { continue }
                        for input in 0..<inputs {
                            let (o, i) = isBackward ? (input, output) : (output, input)
                            sum +=
                                x[(sample * inputPositions + place) * inputs + input]
                                * weights[kernel.index(o, i, Int(tap))]
                        }
                    }
                    expected[(sample * outputPositions + Int(targets[result])) * outputs + output] = sum
                }
            }
        }
        #expect(y == Self.narrowed(expected))
    }

    /// Rows that are read where they lie, whole tiles and what is left of them, steps at once and in pieces.
    @Test(arguments: [32, 96], [1, 2]) func productsInPlace(_ inputs: Int, divisor: Int) {
        var numbers = Numbers(94)
        let kernel = Kernel(inputs: inputs, outputs: 40, taps: 1), samples = 5, positions = 21
        let weights = numbers.eighths(kernel.count), x = numbers.eighths(samples * positions * inputs)
        var y = [UInt16](repeating: 0x7fc0, count: samples * positions * kernel.outputs)
        let places = (0..<positions).map { Int32($0) }
        Self.withAligned(hl_amx_packed_count(1, inputs, kernel.outputs)) { packed in
            hl_amx_pack_weights(kernel.description, [0], 1, 0, 0, 2, kernel.blocks(weights), packed)
            places.withUnsafeBufferPointer { places in
                var products = hl_amx_products(
                    samples: samples, taps: 1, inputs: inputs, outputs: kernel.outputs, results: positions,
                    input_positions: positions, output_positions: positions, sources: places.baseAddress,
                    targets: places.baseAddress, is_in_place: 1)
                let steps = (hl_amx_step_count(&products) + divisor - 1) / divisor
                Self.withAligned(hl_amx_room(&products, 96, kernel.outputs, steps) / 2) { room in
                    for block in [0..<96, 96..<105] {
                        hl_amx_multiply(
                            &products, block.lowerBound, block.upperBound, 0, kernel.outputs, steps, Self.narrowed(x),
                            packed, &y, room)
                    }
                }
            }
        }
        let expected = y.indices.map { index in
            (0..<inputs).reduce(Float(0)) { sum, input in
                sum + x[index / kernel.outputs * inputs + input]
                    * weights[kernel.index(index % kernel.outputs, input, 0)]
            }
        }
        #expect(y == Self.narrowed(expected))
    }

    @Test func paddedColumns() {
        var numbers = Numbers(93)
        let samples = 3, channels = 3, height = 4, width = 5, before = 2, padded = 9
        let plain = Self.narrowed(numbers.eighths(samples * channels * height * width))
        var found = [UInt16](repeating: 9, count: samples * height * padded * channels)
        for range in [0..<1, 1..<samples] {
            hl_amx_pad_columns(
                channels, height, width, before, padded, range.lowerBound, range.upperBound, plain, &found)
        }
        let expected = found.indices.map { index -> UInt16 in
            let channel = index % channels, column = index / channels % padded - before
            let row = index / (channels * padded) % height, sample = index / (channels * padded * height)
            guard (0..<width).contains(column) else { return 0 }
            return plain[((sample * channels + channel) * height + row) * width + column]
        }
        #expect(found == expected)
    }

    /// Lines with gaps, of two phases; samples and outputs by themselves, and places without a result.
    @Test(arguments: kernels) func lines(_ kernel: Kernel) {
        var numbers = Numbers(95)
        let taps = (0..<kernel.taps).reversed().map { Int32($0) }, (inputs, outputs) = (kernel.inputs, kernel.outputs)
        let samples = 3, inputPositions = 13, outputPositions = 41, length = 64, pitch = 83, phases = 2
        let places = (0..<phases * pitch).map { _ in Int32(numbers.word() % 26) - 13 }.map { max(-1, $0) }
        let targets = (0..<length).map { $0 % 3 == 1 ? -1 : Int32(outputPositions - 2 - $0 / 3 * 2 + $0 % 3 / 2) }
            .map { max(-1, $0) }
        let tapPhases = taps.indices.map { Int32($0 % 2) }, tapOffsets = taps.indices.map { Int32(19 - 3 * $0) }
        let x = numbers.eighths(samples * inputPositions * inputs), weights = numbers.eighths(kernel.count)
        var y = Self.narrowed([Float](repeating: 7, count: samples * outputPositions * outputs))
        var expected = [Float](repeating: 7, count: y.count)
        Self.withAligned(hl_amx_packed_count(taps.count, inputs, outputs)) { packed in
            hl_amx_pack_weights(
                kernel.description, taps, taps.count, 0, 0, (outputs + 31) / 32, kernel.blocks(weights), packed)
            withTables([places, targets, tapPhases, tapOffsets]) { tables in
                var lines = hl_amx_lines(
                    taps: taps.count, inputs: inputs, outputs: outputs, input_positions: inputPositions,
                    output_positions: outputPositions, length: length, pitch: pitch, phases: phases,
                    places: tables[0], targets: tables[1], tap_phases: tables[2], tap_offsets: tables[3])
                Self.withAligned(hl_amx_lines_room(&lines, 2) / 2) { room in
                    for block in [0..<2, 2..<3] {
                        for part in [0..<min(32, outputs), min(32, outputs)..<outputs] {
                            hl_amx_multiply_lines(
                                &lines, block.lowerBound, block.upperBound, part.lowerBound, part.upperBound,
                                Self.narrowed(x), packed, &y, room)
                        }
                    }
                }
            }
        }
        for sample in 0..<samples {
            for q in 0..<length where targets[q] >= 0 {
                for output in 0..<outputs {
                    var sum: Float = 0
                    for (index, tap) in taps.enumerated() {
                        let place = Int(places[Int(tapPhases[index]) * pitch + q + Int(tapOffsets[index])])
                        for input in 0..<(place < 0 ? 0 : inputs) {
                            sum +=
                                x[(sample * inputPositions + place) * inputs + input]
                                * weights[kernel.index(output, input, Int(tap))]
                        }
                    }
                    expected[(sample * outputPositions + Int(targets[q])) * outputs + output] = sum
                }
            }
        }
        #expect(y == Self.narrowed(expected))
    }

    private func withTables(_ tables: [[Int32]], _ body: ([UnsafePointer<Int32>]) -> Void) {
        let all = tables.flatMap { $0 }
        all.withUnsafeBufferPointer { values in
            var start = values.baseAddress!
            body(
                tables.map { table in
                    defer { start += table.count }
                    return start
                })
        }
    }

    /// Lines with gaps, of two phases, in several groups, and sums that go on from call to call.
    @Test(arguments: kernels) func gradient(_ kernel: Kernel) {
        var numbers = Numbers(92)
        let groups = 3, inputPositions = 13, outputPositions = 9, length = 64, pitch = 84, phases = 2
        func places(_ count: Int, of positions: Int) -> [Int32] {
            (0..<count).map { _ in max(-1, Int32(numbers.word() % UInt64(2 * positions)) - Int32(positions)) }
        }
        let inputs = places(phases * (pitch + 1), of: inputPositions), outputs = places(length, of: outputPositions)
        let tapPhases = (0..<kernel.taps).map { Int32($0 % 2) }, tapOffsets = (0..<kernel.taps).map { Int32(3 * $0) }
        let x = numbers.eighths(2 * groups * inputPositions * kernel.inputs)
        let y = numbers.eighths(2 * groups * outputPositions * kernel.outputs)
        var blocks = [Float](repeating: .nan, count: hl_amx_block_count(kernel.description))
        withTables([inputs, outputs, tapPhases, tapOffsets]) { tables in
            var g = hl_amx_gradient(
                kernel: kernel.description, groups: groups, input_positions: inputPositions,
                output_positions: outputPositions, step: kernel.inputs, length: length, pitch: pitch, phases: phases,
                versions: 2, inputs: tables[0], outputs: tables[1], tap_phases: tables[2], tap_offsets: tables[3])
            Self.withAligned(hl_amx_input_count(&g)) { inputLines in
                Self.withAligned(hl_amx_output_count(&g)) { outputLines in
                    for call in 0..<2 {
                        let from = Self.narrowed(Array(x.suffix(x.count - call * x.count / 2)))
                        let gradient = Self.narrowed(Array(y.suffix(y.count - call * y.count / 2)))
                        let inputTasks = groups * ((kernel.inputs + 31) / 32)
                        hl_amx_pack_input(&g, 0, 1, from, inputLines)
                        hl_amx_pack_input(&g, 1, inputTasks, from, inputLines)
                        hl_amx_pack_gradient(&g, 0, groups * ((kernel.outputs + 31) / 32), gradient, outputLines)
                        let parts = hl_amx_part_count(&g)
                        for range in [0..<1, 1..<parts] {
                            hl_amx_add_gradient(
                                &g, range.lowerBound, range.upperBound, inputLines, outputLines, call == 0 ? 1 : 0,
                                Int32(call), &blocks)
                        }
                    }
                }
            }
        }
        var expected = [Float](repeating: 0, count: kernel.count)
        for group in 0..<2 * groups {
            for tap in 0..<kernel.taps {
                for q in 0..<length {
                    let from = Int(inputs[Int(tapPhases[tap]) * (pitch + 1) + q + Int(tapOffsets[tap])])
                    let to = Int(outputs[q])
                    guard from >= 0, to >= 0 else { continue }
                    for o in 0..<kernel.outputs {
                        for i in 0..<kernel.inputs {
                            expected[kernel.index(o, i, tap)] +=
                                x[(group * inputPositions + from) * kernel.inputs + i]
                                * y[(group * outputPositions + to) * kernel.outputs + o]
                        }
                    }
                }
            }
        }
        #expect(kernel.plain(blocks) == expected)
        #expect(kernel.blocks(expected) == blocks)  // padding is 0
    }
}
