import HLFormats
import HLTensor

/// A file of weights of a generator that is known, whatever its form: a state dict of torch.save in its zip or legacy
/// form, alone, wrapped or prefixed; a pickled module; a `.pkl` of StyleGAN2-ada's PyTorch or of StyleGAN2's TensorFlow
/// code; safetensors. Its bytes and its tensors' names say which, not the file's name.
package final class GeneratorFile {
    package let path: String
    /// The generator's name in the catalogue.
    package let architecture: String
    /// What the file says beyond its tensors, where its architecture has such settings; nobody else knows their type.
    let settings: (any Sendable)?
    /// The tensors' names in the PyTorch reference's state dict, in file order.
    package let names: [String]
    private let tensors: [String: Tensor]

    /// A tensor of the file, and what is to be done to its values.
    struct Tensor {
        enum Change {
            case none
            /// Last two dimensions backwards.
            case flipped
            case plusOne
        }

        let name: String
        let stored: StoredTensor
        var change = Change.none
    }

    /// What is found in a file of one form or another.
    struct Contents {
        let tensors: [Tensor]
        let settings: (any Sendable)?
    }

    init(path: String, architecture: String, _ contents: Contents) {
        self.path = path
        self.architecture = architecture
        settings = contents.settings
        names = contents.tensors.map(\.name)
        tensors = Dictionary(contents.tensors.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    package func shape(of name: String) -> [Int]? { tensors[name]?.stored.shape }

    /// The values of a tensor, F32 and row-major, read from the file now and kept nowhere.
    ///
    /// - Throws: `Failure(.data)` where the tensor is missing or one of its values is not finite.
    package func tensor(_ name: String) throws -> HostTensor {
        guard let tensor = tensors[name] else {
            throw Failure(.data, "\(path) lacks the tensor \(name)", "fetch or save the file again")
        }
        let values: HostTensor
        do {
            values = try tensor.stored.float32()
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(path): \(name): \(failure.what)", failure.remedy)
        }
        guard values.withUnsafeElements(as: Float.self, Self.areFinite) else {
            throw Failure(
                .data, "\(path): \(name) holds values that are no numbers or are infinite",
                "the file is damaged, or its training failed; fetch it again or use another")
        }
        switch tensor.change {
        case .none: return values
        case .flipped: return Self.flipped(values)
        case .plusOne: return HostTensor(values.floats.map { $0 + 1 }, shape: values.shape)
        }
    }

    private static func areFinite(_ values: UnsafeBufferPointer<Float>) -> Bool {
        let exponent: UInt32 = 0x7F80_0000
        var largest: UInt32 = 0
        for value in values { largest = max(largest, value.bitPattern & exponent) }
        return largest < exponent
    }

    /// Each [H, W] turned by half a turn.
    private static func flipped(_ tensor: HostTensor) -> HostTensor {
        let area = max(tensor.shape.suffix(2).reduce(1, *), 1)
        return HostTensor(.f32, shape: tensor.shape) { target in
            let target = target.bindMemory(to: Float.self)
            tensor.withUnsafeElements(as: Float.self) { source in
                for start in stride(from: 0, to: source.count, by: area) {
                    for place in 0..<area { target[start + place] = source[start + area - 1 - place] }
                }
            }
        }
    }
}
