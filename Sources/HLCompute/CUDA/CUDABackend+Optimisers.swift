import CCUDA
import Glibc
import HLTensor

/// One step of an optimiser for all of its parameters: a launch, two for LARS, however many there are. Weight, gradient and
/// state of a parameter lie in one order, whichever it is.
extension CUDABackend {
    package func sgd(_ updates: [SGDUpdate], rate: Float, momentum: Float) {
        step(updates.map(Part.init)) { all, pieces in
            launch(hl_kernel_sgd, Grid(pieces), hl_cuda_sgd(all: all, rate: rate, momentum: momentum))
        }
    }

    package func lars(_ updates: [SGDUpdate], rate: Float, momentum: Float, trust: Float) {
        step(updates.map(Part.init)) { all, pieces in
            // Two sums in F64 a piece.
            let squares = allocate([pieces, 2, 2])
            withExtendedLifetime(squares) {
                launch(
                    hl_kernel_lars_squares, Grid(pieces), hl_cuda_lars_squares(all: all, squares: squares.structures()))
                launch(
                    hl_kernel_lars, Grid(pieces),
                    hl_cuda_lars(all: all, squares: squares.structures(), rate: rate, momentum: momentum, trust: trust))
            }
        }
    }

    package func adam(_ updates: [AdamUpdate], step: Int, rate: Float, beta1: Float, beta2: Float, epsilon: Float) {
        let correction1 = 1 - pow(Double(beta1), Double(step)), correction2 = 1 - pow(Double(beta2), Double(step))
        self.step(updates.map { Part($0, rate: rate) }) { all, pieces in
            launch(
                hl_kernel_adam, Grid(pieces),
                hl_cuda_adam(
                    all: all, rate: Float(Double(rate) / correction1), beta1: beta1, beta2: beta2,
                    inverse_root: Float(1 / correction2.squareRoot()), epsilon: epsilon))
        }
    }

    /// Calls `body` with a table of the parameters on the device, and with how many pieces they are in all. Gradients are
    /// free again after it, when the launches have been enqueued.
    private func step(_ parts: [Part], _ body: (_ all: hl_cuda_parameters, _ pieces: Int) -> Void) {
        var table: [hl_cuda_parameter] = [], owners: [Int32] = []
        for (index, part) in parts.enumerated() {
            let entry = part.entry(firstPiece: owners.count)
            table.append(entry)
            owners += [Int32](repeating: Int32(index), count: Int(entry.pieces))
            for tensor in [part.weight] + part.state { tensor.cuda.version += 1 }
        }
        guard !owners.isEmpty else { return }
        let parameters = uploaded(table), pieces = uploaded(owners)
        withExtendedLifetime((parts, parameters, pieces)) {
            body(hl_cuda_parameters(parameters: parameters.structures(), owners: pieces.structures()), owners.count)
        }
    }
}

/// A parameter's tensors, held for the time of a step.
private struct Part {
    let weight: Tensor
    let gradient: Tensor
    /// The velocity, or both moments.
    let state: [Tensor]
    let decay: Float
    let isAdapted: Bool

    init(_ update: SGDUpdate) {
        (weight, gradient, state) = (update.weight, update.takeGradient(), [update.velocity])
        (decay, isAdapted) = (update.decay, update.isAdapted)
    }

    init(_ update: AdamUpdate, rate: Float) {
        (weight, gradient, state) = (update.weight, update.takeGradient(), [update.first, update.second])
        (decay, isAdapted) = (update.kept(rate: rate), false)
    }

    func entry(firstPiece: Int) -> hl_cuda_parameter {
        precondition(weight.shape == gradient.shape && state.allSatisfy { $0.shape == weight.shape })
        let size = Int(HL_CUDA_OPTIMISER_PIECE), pieces = (weight.elementCount + size - 1) / size
        return hl_cuda_parameter(
            weight: weight.f32, gradient: gradient.f32, first: state[0].f32, second: state.last?.f32,
            count: weight.count32, first_piece: UInt32(kernel: firstPiece), pieces: UInt32(kernel: pieces),
            decay: decay, is_adapted: isAdapted ? 1 : 0, unused: 0)
    }
}
