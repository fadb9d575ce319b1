import HLCompute
import HLTensor

/// An operation held against its formula, on one backend after the other. Every comparison is a finding, also one that is
/// as it should be.
package final class OperationCheck {
    /// What is checked.
    package let test: OperationCase
    private let hosts: [HostTensor]
    private let values: [Values]
    private lazy var expected = test.reference(values)
    private lazy var cotangent = makeCotangent()
    /// Central differences, by input.
    private var differences: [Int: Values] = [:]
    /// Which inputs the first backend had a gradient for.
    private var given: [Bool]?

    /// Nothing is computed before it is needed.
    package init(_ test: OperationCase) {
        self.test = test
        hosts = test.inputs.enumerated().map { $1.host("\(test.name).\($0)") }
        values = hosts.map { Values($0) }
    }

    private func makeCotangent() -> HostTensor {
        let shape = expected[0].shape
        guard let factor = test.factor else { return Formula.centred("\(test.name).cotangent", shape) }
        return HostTensor([Float](repeating: Float(factor), count: expected[0].count), shape: shape)
    }

    /// Runs it on F32 in every layout.
    /// - Parameters:
    ///   - name: the backend's, for messages.
    ///   - convolutions: how far those may be off.
    package func inF32(on backend: any Backend, _ name: String, convolutions: Tolerance) throws -> [Finding] {
        var findings: [Finding] = []
        let tolerance = test.precision.tolerance(convolutions: convolutions)
        for isBlocked in test.inputs.contains(where: \.isActivation) ? [false, true] : [false] {
            let place = "\(test.name) on \(name)\(isBlocked ? ", behind a convolution" : "")"
            func tensors() -> [Tensor] {
                zip(test.inputs, hosts).map { input, host in
                    let tensor = backend.tensor(host)
                    return isBlocked && input.isActivation
                        ? throughConvolution(tensor, backend, place, &findings) : tensor
                }
            }
            let results = try test.operation(backend, tensors()).map { Values(try backend.read($0)) }
            if results.count != expected.count {
                findings.append(Finding(place, wrong: "gives \(results.count) results, not \(expected.count)"))
            }
            for (index, (result, expected)) in zip(results, expected).enumerated() {
                findings.append(.values(result, expected, tolerance.values, "\(place), result \(index)"))
            }
            guard let backward = test.backward else { continue }
            let made = backward(backend, tensors(), backend.tensor(cotangent))
            if made.count != test.inputs.count {
                findings.append(Finding(place, wrong: "gives \(made.count) gradients, not \(test.inputs.count)"))
            }
            // Which there are is for the first backend to say.
            let given = made.map { $0 != nil }
            if let known = self.given, known != given {
                findings.append(Finding(place, wrong: "gives gradients \(given), not \(known)"))
            }
            self.given = self.given ?? given
            for (index, tensor) in made.enumerated() {
                guard let tensor else { continue }
                findings.append(
                    .values(
                        Values(try backend.read(tensor)), gradient(index), tolerance.gradients,
                        "\(place), gradient \(index)"))
            }
        }
        return findings
    }

    /// Runs it on BF16 activations beside the same backend's F32 operation on the same numbers: what comes out, values
    /// and gradients, is at most two roundings away from it, and BF16 if it is an activation.
    package func inBF16(on backend: any Backend, _ name: String) throws -> [Finding] {
        var findings: [Finding] = []
        func rounded(_ host: HostTensor) throws -> HostTensor {
            try backend.read(backend.converted(backend.tensor(host), to: .bf16))
        }
        // Kernels are rounded before a convolution, too.
        let hosts = try hosts.map { $0.type == .f32 && $0.shape.count == 4 ? try rounded($0) : $0 }
        func tensors(_ type: ElementType) -> [Tensor] {
            zip(test.inputs, hosts).map { input, host in
                let tensor = backend.tensor(host)
                guard input.isActivation else { return tensor }
                return throughConvolution(
                    backend.converted(tensor, to: type), backend, "\(test.name) on \(name)", &findings)
            }
        }
        func compare(_ narrow: [Tensor?], _ wide: [Tensor?], _ what: String) throws {
            let widens = !OperationCase.widening.isDisjoint(with: test.covers)
            for (index, (narrow, wide)) in zip(narrow, wide).enumerated() {
                guard let narrow, let wide else {
                    if (narrow == nil) != (wide == nil) {
                        findings.append(Finding("\(test.name), \(what) \(index)", wrong: "is there in one type alone"))
                    }
                    continue
                }
                let place = "\(test.name) on \(name), \(what) \(index)"
                let isActivation = what == "result" ? !widens : test.inputs[index].isActivation
                if wide.type == .f32 && wide.shape.count == 4 && isActivation && !test.name.contains("changes"),
                    narrow.type != .bf16
                {
                    findings.append(Finding(place, wrong: "is \(narrow.type.rawValue), not BF16"))
                }
                findings.append(
                    .values(Values(try backend.read(narrow)), Values(try backend.read(wide)), 0x1p-8, place))
            }
            if narrow.count != wide.count {
                findings.append(Finding(test.name, wrong: "gives \(narrow.count) of \(what), not \(wide.count)"))
            }
        }
        let wide = test.operation(backend, tensors(.f32)), narrow = test.operation(backend, tensors(.bf16))
        try compare(narrow, wide, "result")
        guard let backward = test.backward else { return findings }
        let cotangent = try rounded(Formula.centred("\(test.name).cotangent", wide[0].shape))
        func gradient(_ type: ElementType) -> Tensor { backend.converted(backend.tensor(cotangent), to: type) }
        try compare(
            backward(backend, tensors(.bf16), gradient(narrow[0].type)),
            backward(backend, tensors(.f32), gradient(.f32)), "gradient")
        return findings
    }

    /// The gradient of Σ cotangent · first result with regard to one input, value by value, by central differences.
    private func gradient(_ index: Int) -> Values {
        if let known = differences[index] { return known }
        let step = 1e-6, cotangent = Values(cotangent)
        var moved = values, gradient = values[index]
        for i in gradient.data.indices {
            func objective(_ offset: Double) -> Double {
                moved[index].data[i] = values[index].data[i] + offset
                return test.reference(moved)[0].dot(cotangent)
            }
            gradient.data[i] = (objective(step) - objective(-step)) / (2 * step)
            moved[index].data[i] = values[index].data[i]
        }
        differences[index] = gradient
        return gradient
    }

    /// The same values in the layout of a convolution's results.
    private func throughConvolution(
        _ x: Tensor, _ backend: any Backend, _ place: String, _ findings: inout [Finding]
    ) -> Tensor {
        let channels = x.shape[1]
        let identity = (0..<channels * channels).map { Float($0 / channels == $0 % channels ? 1 : 0) }
        let result = backend.convolution(
            x, weight: backend.tensor(HostTensor(identity, shape: [channels, channels, 1, 1])), window: Window(size: 1))
        // oneDNN's results are in blocks of 8 or 16 wherever they fill whole ones, or channels last.
        let isPlain = (result.storage as? CPUStorage)?.layout == CPUStorage.Layout.plain
        if backend.summary.contains("oneDNN") && channels % 16 == 0 && isPlain {
            findings.append(Finding(place, wrong: "\(channels) channels are neither in blocks nor last"))
        }
        return result
    }
}

extension Finding {
    /// What one backend made beside what another one did.
    package static func tensors(
        _ found: HostTensor, _ expected: HostTensor, _ tolerance: Double, _ place: String
    ) -> Finding { values(Values(found), Values(expected), tolerance, place) }

    /// Values of a backend beside those of a reference.
    static func values(_ found: Values, _ expected: Values, _ tolerance: Double, _ place: String) -> Finding {
        found.shape == expected.shape
            ? Finding(place, deviation: found.deviation(from: expected), tolerance: tolerance)
            : Finding(place, wrong: "has the shape \(found.shape), not \(expected.shape)")
    }
}
