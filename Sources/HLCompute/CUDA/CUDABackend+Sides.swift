import CCUDA
import HLTensor

/// Images and activations of another side.
extension CUDABackend {
    // MARK: Twice the side

    package func upsampled(_ small: Tensor) -> Tensor {
        let large = allocate(doubled(small.shape), type: small.type)
        launch(hl_kernel_upsample, over(small), squares(small, large))
        return large
    }

    package func addUpsampled(_ small: Tensor, to large: Tensor) {
        precondition(large.shape == doubled(small.shape))
        let small = converted(small, to: large.type)
        launch(hl_kernel_add_upsampled, over(small), squares(small, large))
        large.cuda.version += 1
    }

    package func sumSquares(_ large: Tensor) -> Tensor {
        let small = allocate(halved(large.shape), type: large.type)
        launch(hl_kernel_sum_squares, over(small), squares(small, large))
        return small
    }

    private func doubled(_ shape: [Int]) -> [Int] {
        precondition(shape.count == 4)
        return [shape[0], shape[1], 2 * shape[2], 2 * shape[3]]
    }

    private func halved(_ shape: [Int]) -> [Int] {
        precondition(shape.count == 4 && shape[2] % 2 == 0 && shape[3] % 2 == 0)
        return [shape[0], shape[1], shape[2] / 2, shape[3] / 2]
    }

    private func over(_ small: Tensor) -> Grid {
        .over(small.vectors.count * small.shape[0] * small.positions)
    }

    private func squares(_ small: Tensor, _ large: Tensor) -> hl_cuda_upsample {
        let (wide, channels) = small.vectors
        return hl_cuda_upsample(
            small: small.either, large: large.either,
            count: UInt32(kernel: channels * small.shape[0] * small.positions),
            width: UInt32(kernel: small.shape[3]), channels: UInt32(kernel: channels), wide: wide)
    }

    // MARK: Filters

    package func filterUpsampled(_ x: Tensor, _ filter: UpsamplingFilter) -> Tensor {
        let large = allocate(doubled(x.shape), type: x.type)
        launch(hl_kernel_filter_upsampled, .over(x.elementCount), arguments(filter, small: x, large: large))
        return large
    }

    package func filterUpsampledBackward(_ gradient: Tensor, _ filter: UpsamplingFilter) -> Tensor {
        let small = allocate(halved(gradient.shape), type: gradient.type)
        launch(
            hl_kernel_filter_upsampled_backward, .over(small.elementCount),
            arguments(filter, small: small, large: gradient))
        return small
    }

    private func arguments(_ filter: UpsamplingFilter, small: Tensor, large: Tensor) -> hl_cuda_filter_upsampled {
        var result = hl_cuda_filter_upsampled()
        (result.small, result.large, result.count) = (small.either, large.either, small.count32)
        result.channels = UInt32(kernel: small.shape[1])
        result.height = UInt32(kernel: small.shape[2])
        result.width = UInt32(kernel: small.shape[3])
        withUnsafeMutableBytes(of: &result.taps) { taps in filter.taps.withUnsafeBytes { taps.copyMemory(from: $0) } }
        return result
    }

    package func filter(_ x: Tensor, taps: [Float], offset: Int, outputSide: Int) -> Tensor {
        let side = x.shape[3]
        precondition(taps.count == 4 && x.shape[2] == side && outputSide + 3 <= side + 4 && (0...3).contains(offset))
        let result = allocate([x.shape[0], x.shape[1], outputSide, outputSide], type: x.type)
        // A thread makes four neighbours along a row.
        let (wide, channels) = x.vectors, runs = (outputSide + 3) / 4
        let count = x.shape[0] * outputSide * runs * channels
        launch(
            hl_kernel_filter, .over(count),
            hl_cuda_filter(
                x: x.either, y: result.either, count: UInt32(kernel: count), side: UInt32(kernel: side),
                out_side: UInt32(kernel: outputSide), runs: UInt32(kernel: runs), channels: UInt32(kernel: channels),
                wide: wide, offset: UInt32(offset), taps: (taps[0], taps[1], taps[2], taps[3])))
        return result
    }

    // MARK: Any linear map

    package func resample(_ images: Tensor, _ taps: ResampleTaps) -> Tensor {
        let (samples, channels, height) = (images.shape[0], images.shape[1], images.shape[2])
        precondition(images.type == .f32 && height == taps.inputCount && images.shape[3] == taps.inputCount)
        let side = taps.outputCount
        let narrow = allocate([samples, channels, height, side]), result = allocate([samples, channels, side, side])
        let uploaded = upload(taps)
        resample(images, to: narrow, taps, uploaded, outer: samples * height, inner: channels)
        resample(narrow, to: result, taps, uploaded, outer: samples, inner: side * channels)
        return result
    }

    /// First inputs, numbers of inputs and the weights' bits, one behind the other.
    private func upload(_ taps: ResampleTaps) -> Tensor {
        let count = taps.outputCount
        return tensor(.i32, shape: [count * (2 + taps.most)]) { bytes in
            for (part, values) in [taps.starts, taps.counts].enumerated() {
                values.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(rebasing: bytes[(part * 4 * count)...]).copyMemory(from: source)
                }
            }
            taps.weights.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: bytes[(8 * count)...]).copyMemory(from: source)
            }
        }
    }

    /// [outer, inputs, inner] to [outer, outputs, inner].
    private func resample(
        _ x: Tensor, to y: Tensor, _ taps: ResampleTaps, _ uploaded: Tensor, outer: Int, inner: Int
    ) {
        let isWide = inner % 4 == 0, count = taps.outputCount, own = isWide ? inner / 4 : inner
        let weights = UnsafeRawPointer(uploaded.i32 + 2 * count).assumingMemoryBound(to: Float.self)
        launch(
            hl_kernel_resample, .over(outer * count * own),
            hl_cuda_resample(
                x: x.either, y: y.either, starts: uploaded.i32, counts: uploaded.i32 + count, weights: weights,
                count: UInt32(kernel: outer * count * own), inputs: UInt32(kernel: taps.inputCount),
                outputs: UInt32(kernel: count), inner: UInt32(kernel: own), wide: isWide ? 1 : 0,
                most: UInt32(kernel: taps.most)))
    }
}
