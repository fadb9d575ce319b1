import CKernels
import HLTensor

extension CPUBackend {
    // MARK: Upsampling

    package func addUpsampled(_ small: Tensor, to large: Tensor) {
        precondition(large.shape == [small.shape[0], small.shape[1], 2 * small.shape[2], 2 * small.shape[3]])
        let small = matched(small, to: large)
        forEachRow(of: small) { row, last, planes in
            hl_add_upsampled(
                small.values(), large.values(), row, last, 1, small.shape[3], planes.block, planes.narrow)
        }
        large.cpu.version += 1
    }

    package func upsampled(_ small: Tensor) -> Tensor {
        let shape = [small.shape[0], small.shape[1], 2 * small.shape[2], 2 * small.shape[3]]
        let result = allocate(shape, small.cpu.layout, type: small.type)
        forEachRow(of: small) { row, last, planes in
            hl_upsample(small.values(), result.values(), row, last, 1, small.shape[3], planes.block, planes.narrow)
        }
        return result
    }

    package func sumSquares(_ large: Tensor) -> Tensor {
        let shape = [large.shape[0], large.shape[1], large.shape[2] / 2, large.shape[3] / 2]
        let result = allocate(shape, large.cpu.layout, type: large.type)
        forEachRow(of: result) { row, last, planes in
            hl_sum_squares(large.values(), result.values(), row, last, 1, shape[3], planes.block, planes.narrow)
        }
        return result
    }

    package func filterUpsampled(_ x: Tensor, _ filter: UpsamplingFilter) -> Tensor {
        let x = plain(x), (height, width) = (x.shape[2], x.shape[3])
        let result = allocate([x.shape[0], x.shape[1], 2 * height, 2 * width])
        parallel(x.shape[0] * x.shape[1]) {
            hl_filter_upsampled(
                x.floats, result.floats, $0.lowerBound, $0.upperBound, height, width, filter.taps)
        }
        return result
    }

    package func filterUpsampledBackward(_ gradient: Tensor, _ filter: UpsamplingFilter) -> Tensor {
        let gradient = plain(gradient), (height, width) = (gradient.shape[2] / 2, gradient.shape[3] / 2)
        let result = allocate([gradient.shape[0], gradient.shape[1], height, width])
        parallel(gradient.shape[0] * gradient.shape[1]) {
            hl_filter_upsampled_backward(
                gradient.floats, result.floats, $0.lowerBound, $0.upperBound, height, width, filter.taps)
        }
        return result
    }

    package func filter(_ x: Tensor, taps: [Float], offset: Int, outputSide: Int) -> Tensor {
        let side = x.shape[3]
        // The last tap of the last output must not lie beyond the zeros behind a row.
        precondition(taps.count == 4 && x.shape[2] == side && outputSide + 3 <= side + 4 && offset <= 3)
        let result = allocate([x.shape[0], x.shape[1], outputSide, outputSide], x.cpu.layout, type: x.type)
        forEachRow(of: result) { row, last, planes in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: (side + 4) * planes.block) { scratch in
                guard let scratch = scratch.baseAddress else { return }
                hl_filter_rows(
                    x.values(), result.values(), row, last, side, outputSide, offset, taps, planes.block, planes.narrow,
                    scratch)
            }
        }
        return result
    }

    // MARK: Channels

    package func mixChannels(_ x: Tensor, weights: Tensor) -> Tensor {
        let outputs = weights.shape[1]
        precondition(weights.shape == [x.shape[0], outputs, x.shape[1]] && outputs <= HL_MIX_LIMIT)
        let result = allocate([x.shape[0], outputs, x.shape[2], x.shape[3]])
        let planes = x.planes, size = planes.blocks * planes.block
        for sample in 0..<x.shape[0] {
            parallel(planes.positions, grain: max(64, Self.elementGrain / max(1, x.shape[1]))) {
                hl_mix_channels(
                    planes, x.values(at: sample * size * planes.positions), weights.floats + sample * outputs * size,
                    outputs, $0.lowerBound, $0.upperBound, result.floats + sample * outputs * planes.positions)
            }
        }
        return result
    }

    package func mixChannelsBackward(
        _ gradient: Tensor, input: Tensor, weights: Tensor
    ) -> (input: Tensor, weights: Tensor) {
        let gradient = plain(gradient), planes = input.cutPlanes, outputs = weights.shape[1]
        let result = (like(input), like(weights)), size = planes.blocks * planes.block
        parallel(planes.samples * planes.blocks, grain: grain(planes)) { tasks in
            for task in tasks {
                let sample = task / planes.blocks, start = sample * size * planes.positions
                hl_mix_channels_backward(
                    planes, task % planes.blocks, input.values(at: start), weights.floats + sample * outputs * size,
                    outputs, gradient.floats + sample * outputs * planes.positions, result.0.values(at: start),
                    result.1.floats + sample * outputs * size)
            }
        }
        return result
    }

    package func channels(_ x: Tensor, _ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= x.shape[1])
        let x = plain(x), positions = x.shape.dropFirst(2).reduce(1, *)
        let result = allocate([x.shape[0], range.count] + x.shape.dropFirst(2))
        for sample in 0..<x.shape[0] {
            (result.floats + sample * range.count * positions).update(
                from: x.floats + (sample * x.shape[1] + range.lowerBound) * positions, count: range.count * positions)
        }
        return result
    }

    package func placeChannels(_ gradient: Tensor, in shape: [Int], at start: Int) -> Tensor {
        precondition(
            gradient.shape[0] == shape[0] && gradient.shape.dropFirst(2) == shape.dropFirst(2) && start >= 0
                && start + gradient.shape[1] <= shape[1])
        let gradient = plain(gradient), positions = shape.dropFirst(2).reduce(1, *), count = gradient.shape[1]
        let result = constant(0, shape: shape)
        for sample in 0..<shape[0] {
            (result.floats + (sample * shape[1] + start) * positions).update(
                from: gradient.floats + sample * count * positions, count: count * positions)
        }
        return result
    }

    // MARK: Images

    package func toImage(_ x: Tensor, _ squash: Squash) -> Tensor {
        let result = allocate([x.shape[0], 3, x.shape[2], x.shape[3]])
        var planes = x.planes
        let size = planes.blocks * planes.block * planes.positions, count = planes.samples
        planes.samples = 1
        parallel(count) {
            for sample in $0 {
                hl_to_image(
                    planes, squash.kernel, x.values(at: sample * size),
                    result.floats + sample * 3 * planes.positions)
            }
        }
        return result
    }

    package func toImageBackward(
        _ gradient: Tensor, image: Tensor, inputShape: [Int], type: ElementType, _ squash: Squash
    ) -> Tensor {
        let gradient = plain(gradient), image = plain(image)
        let result = allocate(inputShape, activationLayout(inputShape[1], type), type: type)
        var planes = result.planes
        let size = planes.blocks * planes.block * planes.positions, count = planes.samples
        planes.samples = 1
        parallel(count) {
            for sample in $0 {
                let at = sample * 3 * planes.positions
                hl_to_image_backward(
                    planes, squash.kernel, image.floats + at, gradient.floats + at,
                    result.values(at: sample * size))
            }
        }
        return result
    }

    package func resample(_ images: Tensor, _ taps: ResampleTaps) -> Tensor {
        let images = plain(images), planes = images.shape[0] * images.shape[1]
        let (height, width) = (images.shape[2], images.shape[3])
        precondition(height == taps.inputCount && width == taps.inputCount)
        let narrow = allocate([images.shape[0], images.shape[1], height, taps.outputCount])
        let result = allocate([images.shape[0], images.shape[1], taps.outputCount, taps.outputCount])
        taps.starts.withUnsafeBufferPointer { starts in
            taps.counts.withUnsafeBufferPointer { counts in
                taps.weights.withUnsafeBufferPointer { weights in
                    let kernel = hl_taps(
                        count: taps.outputCount, most: taps.most, starts: starts.baseAddress,
                        counts: counts.baseAddress, weights: weights.baseAddress)
                    parallel(planes * height, grain: 64) {
                        hl_resample_along(
                            kernel, images.floats, narrow.floats, $0.lowerBound, $0.upperBound, width)
                    }
                    parallel(planes) {
                        hl_resample_down(
                            kernel, narrow.floats, result.floats, $0.lowerBound, $0.upperBound, height,
                            taps.outputCount)
                    }
                }
            }
        }
        return result
    }

    /// Calls `body` with parts of the rows of all planes, which each kernel treats by themselves.
    private func forEachRow(of x: Tensor, _ body: (_ first: Int, _ last: Int, hl_planes) -> Void) {
        let planes = x.planes, rows = planes.samples * planes.blocks * x.shape[2]
        parallel(rows, grain: max(1, Self.elementGrain / max(1, x.shape[3] * planes.block))) {
            body($0.lowerBound, $0.upperBound, planes)
        }
    }

    private func grain(_ planes: hl_planes) -> Int {
        max(1, Self.elementGrain / max(1, planes.positions * planes.block))
    }
}

extension Squash {
    /// The same for the kernels.
    var kernel: hl_squash {
        switch self {
        case .tanh: HL_SQUASH_TANH
        case .clamp: HL_SQUASH_CLAMP
        }
    }
}
