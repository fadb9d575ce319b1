import CKernels
import HLTensor

/// Convolutions of BF16 channels last by our own kernels for AMX.
///
/// What a shape needs is made on first use and kept. A result depends on nothing but its shape and values, not on the number of
/// threads; an activation does not depend on the batch that it came in either.
///
/// Shapes are those of `Backend`: x [B, I, H, W], weight [O, I, k, k], y [B, O, H', W'].
final class AMXConvolutions {
    private struct Key: Hashable {
        let input: [Int]
        let outChannels: Int
        let window: Window

        var output: [Int] { [input[0], outChannels, window.output(input[2]), window.output(input[3])] }
        var mergesColumns: Bool { AMXColumns.suit(input[1], window) }
        /// Whether positions of the output are those of the input.
        var isPoint: Bool {
            window.size == 1 && window.stride == 1 && window.padding == 0 && output.dropFirst(2) == input.dropFirst(2)
        }
        var columns: AMXColumns { AMXColumns(input: input, output: output, window: window) }
        /// That of the convolution which goes back where there is no stride, with the kernel turned round.
        var turned: Window { Window(size: window.size, padding: window.size - 1 - window.padding) }
        var forwardSuitsLines: Bool { AMXLines.suitProducts(input[1], output, window) }
        var backwardSuitsLines: Bool {
            window.stride == 1 && turned.padding >= 0 && AMXLines.suitProducts(outChannels, input, turned)
        }
    }

    private struct Taps: Hashable {
        let shape: [Int]
        let taps: [Int32]
        let isBackward: Bool
    }

    private var weights: [[Int]: AMXWeights] = [:]
    private var packings: [Taps: AMXPacking] = [:]
    private var forward: [Key: any AMXPass] = [:]
    private var backward: [Key: [any AMXPass]] = [:]
    private var slices: [Key: AMXSlices] = [:]

    /// Nil where processor or system have no AMX.
    init?() {
        guard hl_amx_prepare() != 0 else { return nil }
    }

    /// Whether they are faster than the library's own for x of that shape, measured on a Xeon: from 64 channels on, or from 32
    /// where positions lie in lines; but where they do not and the library gathers windows well, from 128 on. It does not where
    /// it goes back through a stride. Of images, whose few channels leave tiles empty, all columns of a kernel are a row of its
    /// gradient; the rest stays with the library.
    func takes(_ input: [Int], _ outChannels: Int, _ window: Window, _ pass: Pass) -> Bool {
        if AMXColumns.suit(input[1], window) { return outChannels >= 16 && pass == .weightGradient }
        let key = Key(input: input, outChannels: outChannels, window: window)
        let (inLines, libraryIsGood) =
            switch pass {
            case .convolution: (key.forwardSuitsLines, window.size > 1)
            case .inputGradient: (key.backwardSuitsLines, window.size > 1 && window.stride == 1)
            case .weightGradient: (false, false)
            }
        return min(input[1], outChannels) >= (inLines ? 32 : libraryIsGood ? 128 : 64)
    }

    enum Pass { case convolution, inputGradient, weightGradient }

    /// y.
    func convolution(
        _ x: Tensor, weight: Tensor, window: Window, on backend: any ConvolutionHost, timed: (() -> Void) -> Void
    ) -> Tensor {
        let key = Key(input: x.shape, outChannels: weight.shape[0], window: window)
        let result = backend.allocate(key.output, .channelsLast, type: .bf16)
        guard result.elementCount > 0 else { return result }
        let products = forward[key] ?? makeForward(key, weight.shape)
        forward[key] = products
        products.run(backend.laidOut(x, as: .channelsLast), weight, into: result, on: backend, timed: timed)
        return result
    }

    /// Gradient with regard to x, whose shape is given.
    func inputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window, on backend: any ConvolutionHost,
        timed: (() -> Void) -> Void
    ) -> Tensor {
        let key = Key(input: inputShape, outChannels: weight.shape[0], window: window)
        let result = backend.allocate(inputShape, .channelsLast, type: .bf16)
        let parts = backward[key] ?? makeBackward(key, weight.shape)
        backward[key] = parts
        let gradient = backend.laidOut(gradient, as: .channelsLast)
        guard result.elementCount > 0 else { return result }
        // Between the windows of a stride there are places without a tap, and without an output there is no window.
        if window.stride > window.size || gradient.elementCount == 0 {
            result.narrow.update(repeating: 0, count: result.elementCount)
        }
        guard gradient.elementCount > 0 else { return result }
        for part in parts { part.run(gradient, weight, into: result, on: backend, timed: timed) }
        return result
    }

    /// Gradient with regard to the weight, whose shape is given.
    func weightGradient(
        _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window, on backend: any ConvolutionHost,
        timed: (() -> Void) -> Void
    ) -> Tensor {
        let key = Key(input: input.shape, outChannels: weightShape[0], window: window)
        let layout = layout(of: weightShape, mergesColumns: key.mergesColumns)
        let result = backend.allocateFloats(weightShape, .library(layout))
        guard gradient.elementCount > 0 else {
            result.floats.update(repeating: 0, count: layout.byteCount / MemoryLayout<Float>.size)
            return result
        }
        let slices = slices[key] ?? AMXSlices(layout, input: key.input, output: key.output, window: window)
        self.slices[key] = slices
        slices.sum(
            backend.laidOut(gradient, as: .channelsLast), rows(input, key, on: backend), into: result, on: backend,
            timed: timed)
        return result
    }

    /// x as the gradient of a kernel reads it.
    private func rows(_ x: Tensor, _ key: Key, on backend: any ConvolutionHost) -> Tensor {
        key.mergesColumns ? key.columns.padded(x, on: backend) : backend.laidOut(x, as: .channelsLast)
    }

    // MARK: Making what a shape needs

    private func layout(of shape: [Int], mergesColumns: Bool) -> AMXWeights {
        let layout = weights[shape] ?? AMXWeights(shape, mergesColumns: mergesColumns)
        weights[shape] = layout
        return layout
    }

    private func packing(_ shape: [Int], _ taps: [Int], isBackward: Bool) -> AMXPacking {
        let key = Taps(shape: shape, taps: taps.map { Int32($0) }, isBackward: isBackward)
        let packing =
            packings[key]
            ?? AMXPacking(layout(of: shape, mergesColumns: false), taps: key.taps, isBackward: isBackward)
        packings[key] = packing
        return packing
    }

    private func makeForward(_ key: Key, _ weightShape: [Int]) -> any AMXPass {
        let (height, width, window, output) = (key.input[2], key.input[3], key.window, key.output)
        let taps = Array(0..<window.size * window.size), results = output[2] * output[3]
        if key.forwardSuitsLines {
            return AMXLineProducts(
                input: key.input, output: output, window: window,
                packing: packing(weightShape, taps, isBackward: false))
        }
        let sources = taps.flatMap { tap in
            (0..<results).map { result -> Int32 in
                let row = result / output[3] * window.stride + tap / window.size - window.padding
                let column = result % output[3] * window.stride + tap % window.size - window.padding
                let exists = (0..<height).contains(row) && (0..<width).contains(column)
                return exists ? Int32(row * width + column) : -1
            }
        }
        return AMXProducts(
            input: key.input, output: output, packing: packing(weightShape, taps, isBackward: false),
            taps: taps.count, sources: sources, targets: (0..<results).map { Int32($0) }, isPoint: key.isPoint)
    }

    /// Without a stride it is a convolution of the gradient with the kernel turned round; else every phase of the stride is one
    /// with the taps that meet it.
    private func makeBackward(_ key: Key, _ weightShape: [Int]) -> [any AMXPass] {
        let (height, width, window, output) = (key.input[2], key.input[3], key.window, key.output)
        if key.backwardSuitsLines {
            let taps = Array((0..<window.size * window.size).reversed())
            return [
                AMXLineProducts(
                    input: output, output: key.input, window: key.turned,
                    packing: packing(weightShape, taps, isBackward: true))
            ]
        }
        return (0..<window.stride * window.stride).compactMap { phase in
            let (top, left) = (phase / window.stride, phase % window.stride)
            let rows = Array(stride(from: top, to: height, by: window.stride))
            let columns = Array(stride(from: left, to: width, by: window.stride))
            let taps = (0..<window.size * window.size).filter {
                (top + window.padding - $0 / window.size) % window.stride == 0
                    && (left + window.padding - $0 % window.size) % window.stride == 0
            }
            if rows.isEmpty || columns.isEmpty || taps.isEmpty { return nil }
            let places = rows.flatMap { row in columns.map { (row: row, column: $0) } }
            let sources = taps.flatMap { tap in
                places.map { place -> Int32 in
                    let row = place.row + window.padding - tap / window.size
                    let column = place.column + window.padding - tap % window.size
                    let (y, x) = (row / window.stride, column / window.stride)
                    return row >= 0 && column >= 0 && y < output[2] && x < output[3] ? Int32(y * output[3] + x) : -1
                }
            }
            return AMXProducts(
                input: output, output: key.input, packing: packing(weightShape, taps, isBackward: true),
                taps: taps.count, sources: sources, targets: places.map { Int32($0.row * width + $0.column) },
                isPoint: key.isPoint)
        }
    }
}
