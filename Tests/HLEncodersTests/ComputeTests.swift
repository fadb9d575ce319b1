import Foundation
import HLCompute
import HLFormats
import HLNet
import HLTensor
import Testing

/// Everything that computes on a backend, one test at a time: each of them uses all cores.
@Suite(.serialized) enum ComputeTests {
    /// The backends of this build.
    static var backends: [BackendChoice] {
        #if HL_ONEDNN
            [.plain, .oneDNN]
        #else
            [.plain]
        #endif
    }

    static func fixture(_ name: String) throws -> TensorFile {
        let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/\(name).safetensors")
        return try Safetensors.read(path: file.path)
    }
}

/// How far results may be from the reference, relative to its greatest magnitude.
struct Tolerance {
    let values: Double
    let gradients: Double

    /// Winograd's algorithm rounds more coarsely than a plain sum.
    static func of(_ backend: BackendChoice) -> Tolerance {
        backend == .plain ? Tolerance(values: 2e-6, gradients: 5e-6) : Tolerance(values: 1e-4, gradients: 1e-4)
    }
}

extension TensorFile {
    func tensor(_ name: String) throws -> HostTensor { try #require(tensors[name], "no \(name)") }

    /// A list of names in the metadata.
    func list(_ key: String) throws -> [String] {
        try JSONDecoder().decode([String].self, from: Data(try #require(metadata[key]).utf8))
    }
}

/// Greatest difference over the greatest magnitude of `expected`; infinite where a value is not finite.
func deviation(_ actual: [Float], _ expected: [Float]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    var difference = 0.0, scale = 1e-30
    for (a, b) in zip(actual, expected) {
        guard a.isFinite, b.isFinite else { return .infinity }
        difference = max(difference, abs(Double(a) - Double(b)))
        scale = max(scale, abs(Double(b)))
    }
    return difference / scale
}

func expectClose(
    _ actual: HostTensor, _ expected: HostTensor, _ tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(actual.shape == expected.shape, "\(what)", sourceLocation: sourceLocation)
    let difference = deviation(actual.floats, expected.floats)
    #expect(difference <= tolerance, "\(what)", sourceLocation: sourceLocation)
}

/// Compares a tensor with a stored summary as the fixtures' README says.
func expectSummary(
    _ tensor: HostTensor, _ expected: [Float], _ tolerance: Double, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let actual = Formula.summary(tensor), norm = Double(expected[0])
    for (index, (a, b)) in zip(actual, expected).enumerated() {
        let scale = index == 1 ? norm * Double(tensor.elementCount).squareRoot() : norm
        let difference = abs(a - Double(b)) / scale
        #expect(difference <= tolerance, "\(what), entry \(index)", sourceLocation: sourceLocation)
    }
}

/// A forward pass that records, and the gradients it leads to.
struct Trial {
    let backend: any Backend
    let pass: Pass

    init(_ choice: BackendChoice, training: Bool = true, groups: Int = 1) throws {
        self.init(try choice.make(threads: 2), training: training, groups: groups)
    }

    init(_ backend: any Backend, training: Bool = true, groups: Int = 1) {
        self.backend = backend
        pass = Pass(Tape(backend), training: training, groups: groups)
    }

    func input(_ host: HostTensor) -> Variable { Variable(backend.tensor(host), requiresGradient: true) }

    /// Passes [B, C, H, W] on unchanged, in the layout in which the backend's convolutions give their results.
    func asActivation(_ x: Variable) throws -> Variable {
        let channels = x.shape[1]
        let identity = Convolution(backend, channels, channels, Window(size: 1))
        var weight = [Float](repeating: 0, count: channels * channels)
        for channel in 0..<channels { weight[channel * channels + channel] = 1 }
        backend.assign(HostTensor(weight, shape: [channels, channels, 1, 1]), to: identity.weight.value)
        return identity(x, pass)
    }

    func backward(_ output: Variable, _ cotangent: HostTensor) {
        pass.tape.backward(from: output, gradient: backend.tensor(cotangent))
    }

    func read(_ variable: Variable) throws -> HostTensor { try backend.read(variable.value) }

    func gradient(_ variable: Variable?) throws -> HostTensor {
        try backend.read(try #require(variable?.gradient, "no gradient"))
    }
}
