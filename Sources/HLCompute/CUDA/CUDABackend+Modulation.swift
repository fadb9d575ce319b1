import CCUDA
import HLTensor

/// What generators do to every channel between two convolutions.
extension CUDABackend {
    package func modulate(_ x: Tensor, _ modulation: Modulation) -> Tensor {
        let output = allocate(modulation.output(of: x.shape), type: x.type)
        guard output.elementCount > 0 else { return output }
        let coefficients = coefficients(modulation, output.shape)
        var (samples, shape) = (x.shape[0], phases(modulation, of: x))
        if modulation.arrangement == .same && coefficients.areShared {
            // One sample with as many positions: those of a matrix's rows, too.
            shape.height *= UInt32(kernel: samples)
            samples = 1
        }
        let tiles = ChannelTiles(samples: samples, places: shape.places, of: output, turns: 16)
        launch(
            hl_kernel_modulate, tiles.grid,
            hl_cuda_modulate(
                x: x.either, y: output.either, shape: shape, coefficients: coefficients,
                activation: modulation.activation.kernel, tiles: tiles.kernel))
        return output
    }

    package func modulateBackward(
        _ gradient: Tensor, input: Tensor, _ modulation: Modulation
    ) -> ModulationGradients {
        let outputShape = modulation.output(of: input.shape)
        let (samples, channels) = (outputShape[0], outputShape[1])
        precondition(gradient.shape == outputShape)
        let gradient = converted(gradient, to: input.type), inputs = like(input)
        let sums = (0..<3).map { _ in allocate([samples, channels]) }
        let gradients = ModulationGradients(input: inputs, scale: sums[0], shift: sums[1], gain: sums[2])
        guard gradient.elementCount > 0 else { return gradients }
        let shape = phases(modulation, of: input)
        let tiles = ChannelTiles(samples: samples, places: shape.places, of: gradient, turns: 64)
        let parts = tiles.parts > 1 ? sums.map { _ in allocate([samples, tiles.parts, channels]) } : sums
        launch(
            hl_kernel_modulate_backward, tiles.grid,
            hl_cuda_modulate_backward(
                x: input.either, gradient: gradient.either, input_gradient: inputs.either, scale_sums: parts[0].f32,
                shift_sums: parts[1].f32, gain_sums: parts[2].f32, shape: shape,
                coefficients: coefficients(modulation, outputShape), activation: modulation.activation.kernel,
                tiles: tiles.kernel))
        if tiles.parts > 1 {
            addChannelParts(parts, into: sums, outer: samples, parts: tiles.parts, inner: channels)
        }
        return gradients
    }

    /// Adds up what the blocks of a kernel have left, up to three tensors [outer, parts, inner], each into [outer,
    /// inner].
    func addChannelParts(_ tensors: [Tensor], into results: [Tensor], outer: Int, parts: Int, inner: Int) {
        precondition(tensors.count == results.count && (1...3).contains(tensors.count))
        func part(_ index: Int) -> UnsafePointer<Float>? {
            index < tensors.count ? UnsafePointer(tensors[index].f32) : nil
        }
        func result(_ index: Int) -> UnsafeMutablePointer<Float>? { index < results.count ? results[index].f32 : nil }
        let columns = Int(HL_CUDA_PART_COLUMNS), tiles = (inner + columns - 1) / columns
        launch(
            hl_kernel_add_channel_parts, Grid(tensors.count * outer * tiles),
            hl_cuda_add_channel_parts(
                x: (part(0), part(1), part(2)), y: (result(0), result(1), result(2)), outer: UInt32(kernel: outer),
                parts: UInt32(kernel: parts), inner: UInt32(kernel: inner)))
    }

    private func phases(_ modulation: Modulation, of x: Tensor) -> hl_cuda_phase_shape {
        precondition(x.shape.count == 2 || x.shape.count == 4)
        let isSame = modulation.arrangement == .same
        precondition(isSame || x.shape.count == 4 && x.shape[1] % 4 == 0)
        return hl_cuda_phase_shape(
            channels: UInt32(kernel: isSame ? x.shape[1] : x.shape[1] / 4),
            height: UInt32(kernel: x.shape.count == 4 ? x.shape[2] : 1),
            width: UInt32(kernel: x.shape.count == 4 ? x.shape[3] : 1), phases: isSame ? 0 : 1,
            overlap: modulation.arrangement == .overlappingPhases ? 1 : 0)
    }

    private func coefficients(_ modulation: Modulation, _ shape: [Int]) -> hl_cuda_coefficients {
        func step(_ tensor: Tensor?, _ size: Int) -> UInt32 {
            guard let tensor else { return 0 }
            precondition(!tensor.isRearranged && tensor.shape.dropFirst().reduce(1, *) == size)
            precondition(tensor.shape[0] == 1 || tensor.shape[0] == shape[0])
            return tensor.shape[0] == 1 ? 0 : UInt32(kernel: size)
        }
        let channels = shape[1], positions = shape.dropFirst(2).reduce(1, *)
        return hl_cuda_coefficients(
            scale: modulation.scale.constants, shift: modulation.shift.constants, gain: modulation.gain.constants,
            noise: modulation.noise.constants, scale_step: step(modulation.scale, channels),
            shift_step: step(modulation.shift, channels), gain_step: step(modulation.gain, channels),
            noise_step: step(modulation.noise, positions))
    }
}

/// How the blocks of a kernel share out [samples][places][channels] (sums.cuh, channel_share). A function of the
/// shape alone, so that sums over places come in the same order on every card.
struct ChannelTiles {
    /// As the kernels take it.
    let kernel: hl_cuda_channel_tiles
    /// Of the places of a sample: parts whose sums come from blocks of their own.
    let parts: Int
    /// All blocks.
    let grid: Grid

    /// - Parameters:
    ///   - tensor: has the channels.
    ///   - turns: places of a thread, at most.
    init(samples: Int, places: Int, of tensor: Tensor, turns: Int) {
        let (wide, count) = tensor.vectors
        // 64 neighbours read a kilobyte; more would only leave more threads without work.
        let tiles = (count + 63) / 64, lanes = (count + tiles - 1) / tiles, rows = Int(HL_CUDA_THREADS) / lanes
        let all = (places + rows - 1) / rows
        // Fewer turns where there would not be blocks enough to fill a card.
        let own = max(1, min(turns, all * samples * tiles / 2048)), span = own * rows
        parts = max(1, (places + span - 1) / span)
        grid = Grid(samples * parts * tiles)
        kernel = hl_cuda_channel_tiles(
            wide: wide, lanes: UInt32(lanes), tiles: UInt32(kernel: tiles), parts: UInt32(kernel: parts),
            span: UInt32(kernel: span))
    }
}

extension Tensor {
    /// Whether its channels are read in vectors of 16 bytes, as a kernel asks, and how many of these or single channels
    /// there are.
    var vectors: (wide: UInt32, count: Int) {
        let width = 16 / type.size
        return shape[1] % width == 0 ? (1, shape[1] / width) : (0, shape[1])
    }
}

extension hl_cuda_phase_shape {
    /// All places of a sample.
    fileprivate var places: Int { Int(height) * Int(width) * (phases == 0 ? 1 : 4) }
}

extension hl_cuda_coefficients {
    /// Whether all samples have the same, at every position.
    fileprivate var areShared: Bool { noise == nil && scale_step == 0 && shift_step == 0 && gain_step == 0 }
}

extension Activation {
    /// The same for the kernels.
    fileprivate var kernel: hl_cuda_activation { hl_cuda_activation(slope: slope, gain: gain, clamp: clamp) }
}
