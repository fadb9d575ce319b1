import HLCompute
import HLTensor

/// A value in a network, and the gradient that comes back to it.
package class Variable {
    /// What it is.
    package let value: Tensor
    /// Whether a gradient with regard to this value is wanted.
    package var requiresGradient: Bool
    /// The sum of what has come back so far.
    package internal(set) var gradient: Tensor?

    /// A constant, unless a gradient is wanted.
    package init(_ value: Tensor, requiresGradient: Bool = false) {
        self.value = value
        self.requiresGradient = requiresGradient
    }

    /// That of the value.
    package var shape: [Int] { value.shape }

    /// Adds to the gradient. The tensor becomes this variable's own: nobody else may keep it.
    package func receive(_ gradient: Tensor, _ backend: any Backend) {
        if let sum = self.gradient {
            backend.accumulate(gradient, into: sum)
        } else {
            self.gradient = gradient
        }
    }

    /// Hands the gradient over, so that its memory is free again as soon as it has been used.
    package func takeGradient() -> Tensor? {
        defer { gradient = nil }
        return gradient
    }
}

/// Records operations on their way forward and runs their gradients backward (reverse-mode differentiation).
///
/// Every operation keeps its own way back next to its way forward. Going back, each is dropped as soon as it has run,
/// and its activations with it.
package final class Tape {
    /// What the operations run on.
    package let backend: any Backend
    /// Whether operations are recorded at all; without it activations are freed at once.
    package let isRecording: Bool
    private var steps: [() -> Void] = []

    /// A tape on which nothing is yet.
    package init(_ backend: any Backend, recording: Bool = true) {
        self.backend = backend
        isRecording = recording
    }

    /// The result of an operation; `backward` is run with the gradient that reached it, if one did.
    package func result(
        _ value: Tensor, from inputs: [Variable], backward: @escaping (_ gradient: Tensor) -> Void
    ) -> Variable {
        let output = Variable(value, requiresGradient: isRecording && inputs.contains { $0.requiresGradient })
        if output.requiresGradient {
            steps.append {
                if let gradient = output.takeGradient() { backward(gradient) }
            }
        }
        return output
    }

    /// Starts from `gradient`, that of the objective with regard to `output`. Several outputs may be given their
    /// gradients one after another with `seed`, and `run` once.
    package func backward(from output: Variable, gradient: Tensor) {
        seed(output, gradient: gradient)
        run()
    }

    /// Adds to the gradient of an output, to start from.
    package func seed(_ output: Variable, gradient: Tensor) {
        if output.requiresGradient { output.receive(gradient, backend) }
    }

    /// Runs all steps backward, the last first, and forgets them.
    package func run() {
        while let step = steps.popLast() { step() }
    }
}

/// How a network is passed through.
package struct Pass {
    /// Where operations are recorded.
    package let tape: Tape
    /// Whether batch norm uses the batch's own statistics and updates the running ones.
    package let isTraining: Bool
    /// Equal parts of the batch with batch-norm statistics of their own: two views in one batch are two passes.
    package let groups: Int

    /// One group unless told otherwise.
    package init(_ tape: Tape, training: Bool, groups: Int = 1) {
        self.tape = tape
        isTraining = training
        self.groups = groups
    }

    /// The tape's.
    package var backend: any Backend { tape.backend }
}
