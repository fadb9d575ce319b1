import HLCompute
import HLTensor

/// Where the gradients with regard to one value arrive.
///
/// A way back keeps this in place of the value, whose memory is free again as soon as no way back needs what is in it.
package final class GradientSink {
    /// The value's shape, and the gradient's.
    package let shape: [Int]
    /// Whether a gradient is wanted.
    package fileprivate(set) var requiresGradient: Bool
    /// The sum of what has come back so far, but for what is in `addend`.
    fileprivate var gradient: Tensor?
    /// What came back second, where whoever takes the gradient adds it up himself.
    private var addend: Tensor?
    /// Whether that is so.
    fileprivate var leavesSum = false

    fileprivate init(_ shape: [Int], requiresGradient: Bool) {
        self.shape = shape
        self.requiresGradient = requiresGradient
    }

    /// Adds to the gradient. The tensor becomes this sink's own: nobody else may keep it.
    package func receive(_ gradient: Tensor, _ backend: any Backend) {
        guard let sum = self.gradient else {
            self.gradient = gradient
            return
        }
        if leavesSum, addend == nil {
            addend = gradient
        } else {
            backend.accumulate(gradient, into: sum)
        }
    }

    /// Hands over the gradient as it is, or two tensors whose sum it is.
    fileprivate func takeTerms() -> (gradient: Tensor, addend: Tensor?)? {
        defer { (gradient, addend) = (nil, nil) }
        return gradient.map { ($0, addend) }
    }

    /// Hands the gradient over, so that its memory is free again as soon as it has been used. Of a value whose operation adds
    /// up two gradients itself it is the tape's to take.
    package func takeGradient() -> Tensor? {
        precondition(addend == nil)
        defer { gradient = nil }
        return gradient
    }
}

/// A value in a network, and the gradient that comes back to it.
package class Variable {
    /// What it is.
    package let value: Tensor
    /// Where its gradient arrives.
    package let sink: GradientSink

    /// A constant, unless a gradient is wanted.
    package init(_ value: Tensor, requiresGradient: Bool = false) {
        self.value = value
        sink = GradientSink(value.shape, requiresGradient: requiresGradient)
    }

    /// That of the value.
    package var shape: [Int] { value.shape }

    /// Whether a gradient with regard to this value is wanted.
    package var requiresGradient: Bool {
        get { sink.requiresGradient }
        set { sink.requiresGradient = newValue }
    }

    /// The sum of what has come back so far, of a value whose operation does not add up two gradients itself.
    package var gradient: Tensor? { sink.gradient }

    /// Hands the gradient over, so that its memory is free again as soon as it has been used.
    package func takeGradient() -> Tensor? { sink.takeGradient() }
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
    /// How many steps may still add to the gradients of variables that are watched.
    private var uses: [ObjectIdentifier: Int] = [:]
    private var whenComplete: ((Variable) -> Void)?

    /// A tape on which nothing is yet.
    package init(_ backend: any Backend, recording: Bool = true) {
        self.backend = backend
        isRecording = recording
    }

    /// The result of an operation; `backward` is run with the gradient that reached it, if one did. It should keep the
    /// sinks of `inputs`, and their values only where it needs them.
    package func result(
        _ value: Tensor, from inputs: [Variable], backward: @escaping (_ gradient: Tensor) -> Void
    ) -> Variable {
        let output = Variable(value, requiresGradient: isRecording && inputs.contains { $0.requiresGradient })
        record(output, from: inputs) { sink in
            if let gradient = sink.takeGradient() { backward(gradient) }
        }
        return output
    }

    /// The result of an operation whose way back adds up two gradients, where two have come, in a pass that it makes anyway.
    package func result(
        _ value: Tensor, from inputs: [Variable],
        backwardOfSum: @escaping (_ gradient: Tensor, _ addend: Tensor?) -> Void
    ) -> Variable {
        let output = Variable(value, requiresGradient: isRecording && inputs.contains { $0.requiresGradient })
        output.sink.leavesSum = true
        record(output, from: inputs) { sink in
            if let terms = sink.takeTerms() { backwardOfSum(terms.gradient, terms.addend) }
        }
        return output
    }

    private func record(
        _ output: Variable, from inputs: [Variable], _ backward: @escaping (GradientSink) -> Void
    ) {
        guard output.requiresGradient else { return }
        let watched = whenComplete == nil ? [] : inputs.filter { uses[ObjectIdentifier($0)] != nil }
        for variable in watched { uses[ObjectIdentifier(variable), default: 0] += 1 }
        steps.append { [unowned self, sink = output.sink, roundsToTF32 = backend.roundsToTF32] in
            // What is gone back through is of the precision in which it was computed.
            backend.roundsToTF32 = roundsToTF32
            backward(sink)
            for variable in watched { count(variable) }
        }
    }

    /// Tells, going back, of each of some variables, such as parameters, as soon as all that it was used for has been gone
    /// through, where a gradient has reached it. To be called before anything is recorded.
    package func watch(_ variables: [Variable], whenComplete: @escaping (Variable) -> Void) {
        for variable in variables { uses[ObjectIdentifier(variable)] = 0 }
        self.whenComplete = whenComplete
    }

    /// One use of a variable less.
    private func count(_ variable: Variable) {
        let left = (uses[ObjectIdentifier(variable)] ?? 0) - 1
        uses[ObjectIdentifier(variable)] = left
        if left == 0, variable.gradient != nil { whenComplete?(variable) }
    }

    /// Starts from `gradient`, that of the objective with regard to `output`. Several outputs may be given their
    /// gradients one after another with `seed`, and `run` once.
    package func backward(from output: Variable, gradient: Tensor) {
        seed(output, gradient: gradient)
        run()
    }

    /// Adds to the gradient of an output, to start from.
    package func seed(_ output: Variable, gradient: Tensor) {
        if output.requiresGradient { output.sink.receive(gradient, backend) }
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
    /// That of activations between convolutions.
    package let precision: Precision
    /// The processes whose samples are one batch together; nil is this one alone.
    package let ranks: (any Ranks)?
    /// Whose samples batch norm has statistics of.
    package let batchNorm: BatchNormScope
    /// What each of the N samples of this process counts in a loss that weighs its pairs, [N]; nil where all count alike.
    package let weights: Tensor?

    /// One group, F32, one process and no weights unless told otherwise.
    package init(
        _ tape: Tape, training: Bool, groups: Int = 1, precision: Precision = .f32, ranks: (any Ranks)? = nil,
        batchNorm: BatchNormScope = .global, weights: Tensor? = nil
    ) {
        self.tape = tape
        isTraining = training
        self.groups = groups
        self.precision = precision
        self.ranks = ranks
        self.batchNorm = batchNorm
        self.weights = weights
    }

    /// Those over which batch norm has its statistics.
    var normalisingRanks: (any Ranks)? { batchNorm == .global ? ranks : nil }

    /// How many there are over all ranks of what each has `count` of.
    package func overall(_ count: Int) -> Int { count * (ranks?.count ?? 1) }

    /// The tape's.
    package var backend: any Backend { tape.backend }
}

/// Whose samples batch norm has statistics of, where several processes train one network.
package enum BatchNormScope: String, Sendable, CaseIterable {
    /// All ranks' together, as one process has them on the whole batch.
    case global
    /// Each rank's own.
    case local
}
