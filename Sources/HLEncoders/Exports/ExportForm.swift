import HLFormats
import HLTensor

/// The forms of files in which an encoder can be written for others.
package enum ExportForm: CaseIterable, Sendable {
    /// A state dict as safetensors.
    case safetensors
    /// A state dict as torch.save writes it.
    case torch
    /// A pickle of NumPy arrays, for detectron2.
    case pickle
    /// The network itself, with the normalisation of its images.
    case onnx

    private var endings: [String] {
        switch self {
        case .safetensors: [".safetensors"]
        case .torch: [".pth", ".pt", ".ckpt"]
        case .pickle: [".pkl"]
        case .onnx: [".onnx"]
        }
    }

    /// The form that a file's name asks for.
    /// - Throws: `Failure` (usage) for another ending.
    package init(path: String) throws {
        let name = SystemPath(path)
        guard let form = Self.allCases.first(where: { name.hasEnding($0.endings) }) else {
            throw Failure(
                .usage, "'\(path)' does not say the form by its ending",
                "name a file that ends in \(Self.allCases.flatMap(\.endings).joined(separator: ", "))")
        }
        self = form
    }

    /// Whose names the file has: what is asked for, else the form's own, else those that the network's own code has.
    /// - Throws: `Failure` (usage) for a library that does not read this form.
    package func library(
        _ wanted: ForeignLibrary?, of architecture: any BackboneArchitecture
    ) throws -> ForeignLibrary {
        try check(wanted)
        return wanted ?? (self == .pickle ? .detectron2 : architecture.ownLibrary)
    }

    /// - Throws: `Failure` (usage) for a library that does not read this form.
    package func check(_ wanted: ForeignLibrary?) throws {
        guard let wanted else { return }
        let ending = endings[0]
        switch self {
        case .onnx:
            throw Failure(
                .usage, "ONNX is a network, whose tensors are nobody's to name", "leave out --names \(wanted.rawValue)")
        case .pickle where wanted != .detectron2:
            throw Failure(
                .usage, "\(ending) is detectron2's, and \(wanted.rawValue) does not read it",
                "name a file that ends in .pth or .safetensors")
        case .safetensors where wanted == .detectron2, .torch where wanted == .detectron2:
            throw Failure(
                .usage, "detectron2 does not look for its names in \(ending)", "name a file that ends in .pkl")
        default: break
        }
    }
}
