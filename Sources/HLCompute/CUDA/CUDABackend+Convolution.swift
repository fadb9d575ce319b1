import CCUDA
import HLTensor

/// Convolutions by the device's library where it has one. Else they are products of matrices: the windows of a piece of
/// the output become rows, [places, k · k · I], which the weights, [O, k · k · I] as they lie, are multiplied with.
///
/// Sums are F32 and rounded once, in BF16 as well; weights are rounded before.
extension CUDABackend {
    package func convolution(_ x: Tensor, weight: Tensor, window: Window) -> Tensor {
        let geometry = WindowGeometry(input: x.shape, weight: weight.shape, window: window)
        let result = allocate(geometry.output, type: x.type), weight = weights(weight, as: x.type)
        guard result.elementCount > 0 else { return result }
        if convolve(.forward, geometry, x: x, weight: weight, y: result) { return result }
        for piece in geometry.pieces {
            let columns = windows(of: x, geometry, piece)
            var product = product(piece.count, geometry.outputs, geometry.depth, type: x.type, transposeB: true)
            product.resultType = x.type
            multiply(product, columns.cuda.address, weight.cuda.address, address(in: result, piece.lowerBound))
        }
        return result
    }

    package func convolutionInputGradient(
        _ gradient: Tensor, weight: Tensor, inputShape: [Int], window: Window
    ) -> Tensor {
        let geometry = WindowGeometry(input: inputShape, weight: weight.shape, window: window)
        precondition(gradient.shape == geometry.output, "a gradient of \(gradient.shape) for \(geometry.output)")
        let result = allocate(inputShape, type: gradient.type), weight = weights(weight, as: gradient.type)
        guard result.elementCount > 0 else { return result }
        if convolve(.inputGradient, geometry, x: result, weight: weight, y: gradient) { return result }
        if geometry.isPointwise {
            var product = product(geometry.places, geometry.inputs, geometry.outputs, type: gradient.type)
            product.resultType = gradient.type
            multiply(product, gradient.cuda.address, weight.cuda.address, result.cuda.address)
            return result
        }
        for band in geometry.bands {
            let first = (band.samples.lowerBound * geometry.rows + band.outputs.lowerBound) * geometry.columns
            let places = band.samples.count * band.outputs.count * geometry.columns
            // Windows overlap: what they add up to is rounded, not they.
            let columns = allocate([places, geometry.depth])
            multiply(
                product(places, geometry.depth, geometry.outputs, type: gradient.type),
                address(in: gradient, first), weight.cuda.address, columns.cuda.address)
            gatherBack(columns, into: result, geometry, band)
        }
        return result
    }

    package func convolutionWeightGradient(
        _ gradient: Tensor, input: Tensor, weightShape: [Int], window: Window
    ) -> Tensor {
        let geometry = WindowGeometry(input: input.shape, weight: weightShape, window: window)
        precondition(gradient.shape == geometry.output, "a gradient of \(gradient.shape) for \(geometry.output)")
        guard geometry.places > 0 else { return constant(0, shape: weightShape) }
        let gradient = converted(gradient, to: input.type)
        // The library has one type for all three: of BF16 activations the gradient is rounded before it becomes F32.
        let narrow = allocate(weightShape, type: input.type)
        if convolve(.weightGradient, geometry, x: input, weight: narrow, y: gradient) {
            return converted(narrow, to: .f32)
        }
        let result = allocate(weightShape)
        for piece in geometry.pieces {
            let columns = windows(of: input, geometry, piece)
            var product = product(geometry.outputs, geometry.depth, piece.count, type: input.type, transposeA: true)
            product.accumulates = piece.lowerBound > 0
            multiply(product, address(in: gradient, piece.lowerBound), columns.cuda.address, result.cuda.address)
        }
        return result
    }

    /// A weight as activations of that type take it; a rounded copy is kept until the weight changes.
    private func weights(_ weight: Tensor, as type: ElementType) -> Tensor {
        guard weight.type != type else { return weight }
        let storage = weight.cuda
        if let known = storage.narrow, known.version == storage.version { return known.tensor }
        let narrow = storage.narrow?.tensor ?? allocate(weight.shape, type: type)
        convert(weight, into: narrow)
        if !hasFailed { storage.narrow = (storage.version, narrow) }
        return narrow
    }

    /// Computes a pass by the device's library.
    /// - Returns: false where there is none, or where it has no way to compute this one.
    private func convolve(
        _ pass: DeviceConvolution.Pass, _ geometry: WindowGeometry, x: Tensor, weight: Tensor, y: Tensor
    ) -> Bool {
        guard device.convolves else { return false }
        precondition(x.type == weight.type && x.type == y.type)
        let convolution = DeviceConvolution(
            pass, input: geometry.input, weight: geometry.weight, window: geometry.window, type: x.type,
            tf32: roundsToTF32 && x.type == .f32)
        guard let byteCount = try? device.workspace(of: convolution) else { return false }
        attempt { () throws(Failure) in
            let workspace = byteCount > 0 ? allocate([byteCount], type: .u8) : nil
            try device.convolve(
                convolution, x: x.cuda.address, weight: weight.cuda.address, y: y.cuda.address,
                workspace: workspace?.cuda.address)
        }
        return true
    }

    // MARK: Products

    private func product(
        _ rows: Int, _ columns: Int, _ depth: Int, type: ElementType, transposeA: Bool = false, transposeB: Bool = false
    ) -> MatrixProduct {
        var result = MatrixProduct(
            rows: rows, columns: columns, depth: depth, transposeA: transposeA, transposeB: transposeB)
        result.type = type
        result.tf32 = roundsToTF32 && type == .f32
        return result
    }

    /// Where the channels of place `place` of [B, C, H, W] begin.
    private func address(in tensor: Tensor, _ place: Int) -> UnsafeMutableRawPointer {
        tensor.cuda.address + place * tensor.shape[1] * tensor.type.size
    }

    /// The windows of places of the output as rows; x itself where it is nothing but them.
    private func windows(of x: Tensor, _ geometry: WindowGeometry, _ places: Range<Int>) -> Tensor {
        if geometry.isPointwise { return x }
        let result = allocate([places.count, geometry.depth], type: x.type)
        // The longest words that a place's channels are made of.
        let bytes = geometry.inputs * x.type.size, word = [16, 8, 4, 2].first { bytes % $0 == 0 } ?? 2
        let channels = bytes / word, window = geometry.window
        launch(
            hl_kernel_im2col, Grid(Grid.over(places.count * window.size * channels).x, window.size),
            hl_cuda_im2col(
                x: x.cuda.address, y: result.cuda.address, size: UInt32(word),
                first: UInt32(kernel: places.lowerBound), positions: UInt32(kernel: places.count),
                channels: UInt32(kernel: channels), height: UInt32(kernel: geometry.height),
                width: UInt32(kernel: geometry.width), rows: UInt32(kernel: geometry.rows),
                columns: UInt32(kernel: geometry.columns), kernel: UInt32(window.size),
                stride: UInt32(window.stride), padding: UInt32(window.padding)))
        return result
    }

    /// The adjoint, for a band of rows of x.
    private func gatherBack(
        _ columns: Tensor, into x: Tensor, _ geometry: WindowGeometry, _ band: WindowGeometry.Band
    ) {
        let values = band.samples.count * band.rows.count * geometry.width * geometry.inputs
        let window = geometry.window
        launch(
            hl_kernel_col2im, .over(geometry.inputs % 4 == 0 ? values / 4 : values),
            hl_cuda_col2im(
                y: UnsafePointer(columns.f32), x: x.either, sample: UInt32(kernel: band.samples.lowerBound),
                samples: UInt32(kernel: band.samples.count), top: UInt32(kernel: band.rows.lowerBound),
                lines: UInt32(kernel: band.rows.count), bottom: UInt32(kernel: band.outputs.lowerBound),
                bottom_lines: UInt32(kernel: band.outputs.count), channels: UInt32(kernel: geometry.inputs),
                height: UInt32(kernel: geometry.height), width: UInt32(kernel: geometry.width),
                rows: UInt32(kernel: geometry.rows), columns: UInt32(kernel: geometry.columns),
                kernel: UInt32(window.size), stride: UInt32(window.stride), padding: UInt32(window.padding)))
    }
}

/// A convolution in numbers, and how it is cut where it is made of products.
private struct WindowGeometry {
    let input, weight: [Int]
    let window: Window
    /// Rows and columns of the output.
    let rows, columns: Int

    init(input: [Int], weight: [Int], window: Window) {
        precondition(
            input.count == 4 && weight == [weight[0], input[1], window.size, window.size],
            "input \(input), weight \(weight) and window \(window.size) do not fit")
        (self.input, self.weight, self.window) = (input, weight, window)
        (rows, columns) = (window.output(input[2]), window.output(input[3]))
    }

    /// Values of the windows of a piece at most: 128 MiB in F32.
    private static let pieceSize = 1 << 25

    var samples: Int { input[0] }
    var inputs: Int { input[1] }
    var height: Int { input[2] }
    var width: Int { input[3] }
    var outputs: Int { weight[0] }
    var output: [Int] { [samples, outputs, rows, columns] }
    /// Of the output, in all samples.
    var places: Int { samples * rows * columns }
    /// Values of a window.
    var depth: Int { inputs * window.size * window.size }
    /// Whether windows are the input itself.
    var isPointwise: Bool { window.size == 1 && window.stride == 1 && window.padding == 0 && window.trailing == 0 }

    /// The places of the output, in order; all at once where windows take no memory.
    var pieces: [Range<Int>] {
        if isPointwise { return [0..<places] }
        return Self.ranges(places, by: max(1, Self.pieceSize / depth))
    }

    /// Rows of the input of some samples, and the rows of the output whose windows reach them: all rows of several
    /// samples, or some of one.
    struct Band {
        let samples, rows, outputs: Range<Int>
    }

    /// The input, in order.
    var bands: [Band] {
        let line = max(1, columns * depth), whole = Self.pieceSize / (max(1, rows) * line)
        if whole > 0 {
            return Self.ranges(samples, by: whole).map { Band(samples: $0, rows: 0..<height, outputs: 0..<rows) }
        }
        let count = max(1, (Self.pieceSize / line - 1) * window.stride - window.size)
        return (0..<samples).flatMap { sample in
            Self.ranges(height, by: count).map {
                Band(samples: sample..<sample + 1, rows: $0, outputs: outputs(reaching: $0))
            }
        }
    }

    private func outputs(reaching band: Range<Int>) -> Range<Int> {
        let first = max(0, band.lowerBound + window.padding - window.size + window.stride) / window.stride
        let end = min(rows, (band.upperBound - 1 + window.padding) / window.stride + 1)
        return min(first, end)..<end
    }

    private static func ranges(_ count: Int, by size: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
}
