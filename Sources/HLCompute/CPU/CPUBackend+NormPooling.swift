import CKernels
import HLTensor

/// The end of a stem. What lies between batch norm and max pooling is four times as large as what comes out, and larger
/// than the processor's caches for a whole batch: it is made, and its gradient too, plane by plane where it is used.
extension CPUBackend {
    package func batchNormMaxPool(
        _ x: Tensor, weight: Tensor?, bias: Tensor?, running: RunningStatistics?, epsilon: Float, groups: Int,
        window: Window, over ranks: (any Ranks)?
    ) -> (output: Tensor, chosen: Tensor, statistics: BatchStatistics) {
        precondition(window.trailing == 0)
        let shape = [x.shape[0], x.shape[1], window.output(x.shape[2]), window.output(x.shape[3])]
        let output = allocate(shape, x.cpu.layout, type: x.type)
        let chosen = Tensor(.u8, shape: shape, storage: storage(bytes: output.storedCount, x.cpu.layout))
        let size = output.planes.positions * output.planes.block
        let statistics = batchNorm(
            x, weight: weight, bias: bias, running: running, epsilon: epsilon, groups: groups, over: ranks
        ) { part in
            forEachPlane(of: part) { plane, at, number, scratch in
                hl_batch_norm_apply(plane, 0, x.values(at: at), nil, scratch, part.scale, part.shift, 1)
                hl_max_pool(
                    scratch, output.values(at: number * size), chosen.cpu.bytes + number * size, 0, 1, x.shape[2],
                    x.shape[3], plane.block, window.size, window.stride, window.padding, plane.narrow)
            }
        }
        return (output, chosen, statistics)
    }

    /// A maximum above 0 came from a place above 0: ReLU's mask is laid over the smaller gradient.
    package func batchNormMaxPoolBackward(
        _ gradient: Tensor, output: Tensor, chosen: Tensor, input: Tensor, weight: Tensor?,
        statistics: BatchStatistics, window: Window
    ) -> BatchNormGradients {
        let gradient = reluBackward(laidOut(gradient, as: chosen.cpu.layout), output: output)
        let size = output.planes.positions * output.planes.block
        let inputGradient = like(input), all = hl_relu_mask(output: nil, scale: nil, shift: nil)
        let (weightGradient, biasGradient) = batchNormBackward(
            input, weight: weight, bias: nil, statistics: statistics,
            add: { part, mean, sum, centred, floats in
                let channels = part.planes.block
                sum.update(repeating: 0, count: channels)
                centred.update(repeating: 0, count: channels)
                for (at, number) in planeNumbers(of: part) {
                    hl_max_pool_sums(
                        gradient.values(at: number * size), chosen.cpu.bytes + number * size, input.values(at: at),
                        input.shape[2], input.shape[3], channels, window.size, window.stride, window.padding, mean,
                        floats, floats + channels, part.planes.narrow)
                    for index in 0..<channels {
                        sum[index] += Double(floats[index])
                        centred[index] += Double(floats[channels + index])
                    }
                }
            },
            apply: { part, a, b, c in
                forEachPlane(of: part) { plane, at, number, scratch in
                    hl_max_pool_backward(
                        gradient.values(at: number * size), chosen.cpu.bytes + number * size, scratch, 0, 1,
                        input.shape[2], input.shape[3], plane.block, window.size, window.stride, window.padding,
                        plane.narrow)
                    hl_batch_norm_backward_apply(
                        plane, 0, scratch, all, input.values(at: at), inputGradient.values(at: at), a, b, c)
                }
            })
        return BatchNormGradients(
            input: inputGradient, weight: weightGradient, bias: biasGradient, residual: nil)
    }

    /// A part's plane of each sample: its first value among those of the batch, and its number among the batch's planes.
    private func planeNumbers(of part: NormBlock) -> [(at: Int, number: Int)] {
        let planes = part.planes, size = planes.positions * planes.block
        return (0..<planes.samples).map { sample in
            let number = part.start / size + sample * planes.blocks + part.which
            return (number * size, number)
        }
    }

    /// Calls `body` for each of them: with its description, its first value, its number, and room for as many values.
    private func forEachPlane(
        of part: NormBlock,
        _ body: (_ plane: hl_planes, _ at: Int, _ number: Int, _ scratch: UnsafeMutableRawPointer) -> Void
    ) {
        let planes = part.planes, size = planes.positions * planes.block
        let plane = hl_planes(
            samples: 1, blocks: 1, positions: planes.positions, block: planes.block, step: planes.step,
            narrow: planes.narrow)
        let bytes = size * (planes.narrow != 0 ? ElementType.bf16 : .f32).size
        withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 64) { scratch in
            guard let scratch = scratch.baseAddress else { return }
            for (at, number) in planeNumbers(of: part) { body(plane, at, number, scratch) }
        }
    }
}
