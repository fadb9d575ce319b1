import HLCompute
import HLNet
import HLTensor

/// StyleGAN2's mapping network: z scaled to unit mean square, with the class's embedding behind it in a conditional
/// network, through fully connected layers to w, and truncation of w towards its mean. Of backends that share their
/// row-wise operations, as those of the CPU do, all give the same bits.
package final class StyleGAN2Mapping: LatentMapper {
    /// Values of w.
    let width: Int
    /// Which layers of the synthesis network are truncated.
    let truncatedLayers: [Bool]
    var isTruncating: Bool { psi != 1 && truncatedLayers.contains(true) }

    package let backend: any Backend
    private let layers: [(weight: Tensor, bias: Tensor)]
    /// The normalised embedding, [1, e], of a conditional network.
    private let embedding: Tensor?
    /// [1, width]
    private let mean: Tensor?
    private let psi: Float

    /// LeakyReLU with slope 0.2, times √2.
    private static let activation = Activation(slope: 0.2, gain: Float(2).squareRoot())

    /// The mapping network alone, for a program that only maps.
    /// - Throws: as `StyleGAN2.init`.
    package convenience init(
        _ specification: GeneratorSpecification, file: GeneratorFile, backend: any Backend
    ) throws {
        let geometry = try StyleGAN2Geometry(file)
        try geometry.check(specification, file)
        try self.init(specification, geometry, WeightsReader(file), backend)
    }

    init(
        _ specification: GeneratorSpecification, _ geometry: StyleGAN2Geometry, _ reader: WeightsReader,
        _ backend: any Backend
    ) throws {
        self.backend = backend
        width = geometry.mapped.dimension
        let rendering = specification.rendering
        psi = Float(rendering.psi)
        truncatedLayers = (0..<geometry.mapped.chunks).map { $0 < rendering.cutoff ?? .max }
        embedding = try geometry.conditions.map { size in
            let weight = try reader.values("mapping.embed.weight", [size.embedding, size.classes])
            let bias = try reader.values("mapping.embed.bias", [size.embedding])
            // A class is a unit vector, so that its embedding is a column; the layer's weights are equalised by 1 / √in.
            let row = (0..<size.embedding).map {
                weight[$0 * size.classes + rendering.classIndex] / Double(size.classes).squareRoot() + bias[$0]
            }
            let root = (row.reduce(0) { $0 + $1 * $1 } / Double(size.embedding) + 1e-8).squareRoot()
            return backend.tensor(HostTensor(row.map { Float($0 / root) }, shape: [1, size.embedding]))
        }
        let rate = reader.file.styleGAN2.learningRateMultiplier
        layers = try geometry.mappingWidths.enumerated().map { index, sizes in
            let weight = try reader.take("mapping.fc\(index).weight", [sizes.outputs, sizes.inputs])
            let bias = try reader.take("mapping.fc\(index).bias", [sizes.outputs])
            return (
                backend.tensor(weight.scaled(by: rate / Float(sizes.inputs).squareRoot())),
                backend.tensor(bias.scaled(by: rate))
            )
        }
        if reader.has("mapping.w_avg") {
            mean = backend.tensor(try reader.take("mapping.w_avg", [width]).reshaped([1, width]))
        } else {
            mean = nil
            guard psi == 1 else {
                throw Failure(
                    .data, "\(reader.file.path) has no mapping.w_avg, the mean that --psi truncates towards",
                    "leave out --psi, or use a file that has it")
            }
        }
    }

    /// w before truncation, [B, width], from z [B, d].
    func forward(_ z: Variable, _ pass: Pass) -> Variable {
        let unit = pass.scale(pass.normaliseRows(z), by: Float(z.shape[1]).squareRoot())
        var x = embedding.map { pass.appendingColumns(unit, $0) } ?? unit
        for (weight, bias) in layers {
            x = pass.modulate(pass.linear(x, weight, bias), activation: Self.activation)
        }
        return x
    }

    /// w_avg + ψ (w − w_avg).
    func truncated(_ w: Variable, _ pass: Pass) -> Variable {
        guard let mean else { return w }
        return pass.modulate(pass.scale(w, by: psi), shift: Variable(backend.scale(mean, by: 1 - psi)))
    }

    package var mappedShape: LatentShape { LatentShape(chunks: truncatedLayers.count, dimension: width) }

    package func mapped(_ z: Tensor) -> Tensor {
        let pass = Pass(Tape(backend, recording: false), training: false)
        let whole = forward(Variable(z), pass)
        let near = isTruncating ? truncated(whole, pass) : whole
        let result = backend.constant(0, shape: [z.shape[0], mappedShape.size])
        for (layer, isTruncated) in truncatedLayers.enumerated() {
            backend.addColumns((isTruncated ? near : whole).value, into: result, at: layer * width)
        }
        return result
    }
}
