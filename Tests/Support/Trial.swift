import HLCompute
import HLNet
import HLTensor
import Testing

/// A forward pass that records, and the gradients it leads to.
package struct Trial {
    package let backend: any Backend
    package let pass: Pass

    package init(
        _ choice: TestedBackend, training: Bool = true, groups: Int = 1, precision: Precision = .f32
    ) throws {
        self.init(try choice.make(threads: 2), training: training, groups: groups, precision: precision)
    }

    package init(
        _ backend: any Backend, training: Bool = true, groups: Int = 1, precision: Precision = .f32
    ) {
        self.backend = backend
        pass = Pass(Tape(backend), training: training, groups: groups, precision: precision)
    }

    package func input(_ host: HostTensor) -> Variable { Variable(backend.tensor(host), requiresGradient: true) }

    /// Passes [B, C, H, W] on unchanged, in the layout in which the backend's convolutions give their results.
    package func asActivation(_ x: Variable) throws -> Variable {
        let channels = x.shape[1]
        let identity = Convolution(backend, channels, channels, Window(size: 1))
        var weight = [Float](repeating: 0, count: channels * channels)
        for channel in 0..<channels { weight[channel * channels + channel] = 1 }
        backend.assign(HostTensor(weight, shape: [channels, channels, 1, 1]), to: identity.weight.value)
        return identity(x, pass)
    }

    package func backward(_ output: Variable, _ cotangent: HostTensor) {
        pass.tape.backward(from: output, gradient: backend.tensor(cotangent))
    }

    package func read(_ variable: Variable) throws -> HostTensor { try backend.read(variable.value) }

    package func gradient(_ variable: Variable?) throws -> HostTensor {
        try backend.read(try #require(variable?.gradient, "no gradient"))
    }
}
