import CKernels
import HLTensor

extension CPUBackend {
    package func modulate(_ x: Tensor, _ modulation: Modulation) -> Tensor {
        let (x, output) = arranged(x, modulation)
        let description = description(modulation, of: output)
        withDescription(description) { description in
            let planes = description.pointee.out
            parallel(planes.samples * planes.blocks, grain: grain(planes)) { tasks in
                for task in tasks { hl_modulate(description, task, x.values(), output.values()) }
            }
        }
        return output
    }

    package func modulateBackward(
        _ gradient: Tensor, input: Tensor, _ modulation: Modulation
    ) -> ModulationGradients {
        let (x, output) = arranged(input, modulation, allocating: false)
        let gradient = matched(gradient, to: output)
        let inputGradient = modulation.arrangement == .overlappingPhases ? zeros(like: x) : like(x)
        let channels = [output.shape[0], output.shape[1]]
        let sums = (allocate(channels), allocate(channels), allocate(channels))
        withDescription(description(modulation, of: output)) { description in
            let planes = description.pointee.out
            parallel(planes.samples * planes.blocks, grain: grain(planes)) { tasks in
                for task in tasks {
                    hl_modulate_backward(
                        description, task, x.values(), gradient.values(), inputGradient.values(), sums.0.floats,
                        sums.1.floats, sums.2.floats)
                }
            }
        }
        return ModulationGradients(input: inputGradient, scale: sums.0, shift: sums.1, gain: sums.2)
    }

    /// The input in a layout in which its phases are whole blocks, and the output to write.
    private func arranged(
        _ x: Tensor, _ modulation: Modulation, allocating: Bool = true
    ) -> (input: Tensor, output: Tensor) {
        let shape = modulation.output(of: x.shape)
        guard modulation.arrangement != .same else { return (x, allocating ? like(x) : x) }
        // Channels last, a phase is whole in any case.
        let layout =
            switch x.cpu.layout {
            case .plain, .channelsLast: x.cpu.layout
            default: activationLayout(shape[1], x.type)
            }
        return (laidOut(x, as: layout), allocate(shape, layout, type: x.type))
    }

    private func zeros(like tensor: Tensor) -> Tensor {
        let result = like(tensor)
        forEachElement(result) {
            result.values(at: $0).initializeMemory(as: UInt8.self, repeating: 0, count: $1 * result.type.size)
        }
        return result
    }

    /// Blocks that make a task worth a thread.
    private func grain(_ planes: hl_planes) -> Int {
        max(1, Self.elementGrain / max(1, planes.positions * planes.block))
    }

    private func description(_ modulation: Modulation, of output: Tensor) -> hl_modulation {
        let channels = output.shape[1], batch = output.shape[0]
        let positions = output.shape.dropFirst(2).reduce(1, *)
        func stride(_ tensor: Tensor?, _ size: Int) -> Int {
            guard let tensor else { return 0 }
            precondition(tensor.cpu.layout == .plain && tensor.shape.dropFirst().reduce(1, *) == size)
            precondition(tensor.shape[0] == 1 || tensor.shape[0] == batch)
            return tensor.shape[0] == 1 ? 0 : size
        }
        let activation = modulation.activation, planes = output.cutPlanes
        let isSpread = output.cpu.layout == .channelsLast && modulation.arrangement != .same
        return hl_modulation(
            out: planes, width: output.shape.count == 4 ? output.shape[3] : 1,
            phases: modulation.arrangement == .same ? 0 : 1,
            overlap: modulation.arrangement == .overlappingPhases ? 1 : 0,
            source_step: isSpread ? 4 * planes.step : planes.step,
            activation: hl_activation(slope: activation.slope, gain: activation.gain, clamp: activation.clamp),
            scale: modulation.scale.map { UnsafePointer($0.floats) },
            shift: modulation.shift.map { UnsafePointer($0.floats) },
            gain: modulation.gain.map { UnsafePointer($0.floats) },
            scale_stride: stride(modulation.scale, channels), shift_stride: stride(modulation.shift, channels),
            gain_stride: stride(modulation.gain, channels), noise: modulation.noise.map { UnsafePointer($0.floats) },
            noise_stride: stride(modulation.noise, positions))
    }

    private func withDescription(_ description: hl_modulation, _ body: (UnsafePointer<hl_modulation>) -> Void) {
        withUnsafePointer(to: description, body)
    }
}
