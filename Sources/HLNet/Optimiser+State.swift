import HLCompute
import HLTensor

extension Optimiser {
    /// A copy of the state tensors, by name, for a run to go on from.
    /// - Throws: whatever went wrong on the backend before.
    package func state(on backend: any Backend) throws -> [(name: String, tensor: HostTensor)] {
        try state.map { ($0.name, try backend.read($0.tensor)) }
    }

    /// Goes on from a copy of the state tensors, after `step` steps.
    /// - Parameter lookup: the tensor of a name.
    /// - Throws: `Failure(.data)` for a missing tensor or one of another type or shape.
    package func load(on backend: any Backend, step: Int, _ lookup: (String) -> HostTensor?) throws {
        for (name, tensor) in state {
            guard let saved = lookup(name), saved.shape == tensor.shape, saved.type == .f32 else {
                throw Failure(
                    .data, "the checkpoint lacks the optimiser's \(name)", "delete it and start the run anew")
            }
            backend.assign(saved, to: tensor)
        }
        stepsTaken = step
    }
}
