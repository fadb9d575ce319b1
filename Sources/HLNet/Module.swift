import HLCompute
import HLTensor

/// A trainable tensor.
package final class Parameter: Variable {
    /// How it is drawn before training.
    package let initialiser: Initialiser

    /// A parameter of zeros, until it is drawn.
    package init(_ backend: any Backend, _ shape: [Int], _ initialiser: Initialiser) {
        self.initialiser = initialiser
        super.init(backend.constant(0, shape: shape), requiresGradient: true)
    }
}

/// A number that is kept with a network, such as batch norm's `num_batches_tracked`.
package final class Counter {
    /// The number.
    package var value: Int64 = 0

    /// Starts at 0.
    package init() {}
}

/// One named piece of a network's state.
package enum State {
    /// Trained by gradients.
    case parameter(Parameter)
    /// Not trained by gradients, such as running statistics, and how it begins.
    case buffer(Tensor, Initialiser)
    /// A number.
    case counter(Counter)
}

/// A network or a part of one: it has named state, under the names that PyTorch gives the same module.
package protocol Module: AnyObject {
    /// Calls `body` for every piece of state in a fixed order, its name prefixed by `prefix` (empty or ending in ".").
    func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows
}

extension Module {
    /// All that gradients train, by name, in order.
    package var parameters: [(name: String, parameter: Parameter)] {
        var result: [(String, Parameter)] = []
        forEachState("") { name, state in
            if case .parameter(let parameter) = state { result.append((name, parameter)) }
        }
        return result
    }

    /// Draws every parameter and buffer from its initialiser, and resets the rest. Values depend on the seed and its
    /// name alone.
    package func initialise(seed: UInt64, on backend: any Backend) {
        let key = RandomKey(seed: seed, purpose: .initialisation)
        forEachState("") { name, state in
            let id = Int64(bitPattern: StableHash(name).value)
            switch state {
            case .parameter(let parameter):
                backend.assign(parameter.initialiser.draw(parameter.shape, key: key, id: id), to: parameter.value)
            case .buffer(let tensor, let initialiser):
                backend.assign(initialiser.draw(tensor.shape, key: key, id: id), to: tensor)
            case .counter(let counter): counter.value = 0
            }
        }
        Memory.giveBack()
    }

    /// A copy of the whole state, by name.
    /// - Throws: whatever went wrong on the backend before.
    package func state(on backend: any Backend) throws -> [(name: String, tensor: HostTensor)] {
        var result: [(String, HostTensor)] = []
        try forEachState("") { name, state in
            switch state {
            case .parameter(let parameter): result.append((name, try backend.read(parameter.value)))
            case .buffer(let tensor, _): result.append((name, try backend.read(tensor)))
            case .counter(let counter): result.append((name, HostTensor([counter.value], shape: [])))
            }
        }
        return result
    }

    /// Loads the whole state.
    /// - Parameter lookup: the tensor of a name, F32, or I64 for counters.
    /// - Throws: `Failure(.data)` for a missing tensor or one of another shape; batch norms' counts of batches, which
    ///   nothing depends on, may be missing, as they are in files of old versions of PyTorch.
    package func load(on backend: any Backend, _ lookup: (String) throws -> HostTensor?) throws {
        func require(_ name: String, _ shape: [Int]) throws -> HostTensor {
            guard let tensor = try lookup(name) else {
                throw Failure(.data, "the weights have no \(name)", "use the file of this architecture")
            }
            guard tensor.shape == shape, tensor.type == .f32 else {
                throw Failure(
                    .data, "\(name) is \(tensor.type.rawValue) \(tensor.shape), not F32 \(shape)",
                    "use the file of this architecture")
            }
            return tensor
        }
        try forEachState("") { name, state in
            switch state {
            case .parameter(let parameter):
                backend.assign(try require(name, parameter.shape), to: parameter.value)
            case .buffer(let tensor, _): backend.assign(try require(name, tensor.shape), to: tensor)
            case .counter(let counter):
                let tensor = try lookup(name)
                if let tensor, tensor.type == .i64, tensor.elementCount == 1 {
                    counter.value = tensor.integers[0]
                } else if !name.hasSuffix("num_batches_tracked") {
                    throw Failure(
                        .data, tensor == nil ? "there is no \(name)" : "\(name) is not one I64 number",
                        "use a file of the same method")
                }
            }
        }
        Memory.giveBack()
    }
}
