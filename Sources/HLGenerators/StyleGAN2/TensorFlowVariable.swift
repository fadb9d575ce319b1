import HLFormats
import HLTensor

/// One variable of a TensorFlow generator: its name and place in the PyTorch reference, and how to get its layout.
struct TensorFlowVariable {
    private enum Layout {
        case same
        /// A dense layer [in, out].
        case dense
        /// A convolution [kh, kw, in, out].
        case convolution
        /// So many leading dimensions of one entry.
        case leading(Int)
    }

    private let path: String
    private(set) var name: String
    /// Of the block that the variable belongs to.
    private(set) var resolution: Int?
    private var layout = Layout.same
    private var change = GeneratorFile.Tensor.Change.none

    /// A path that is not known keeps its name, which no architecture has.
    init(_ path: String) {
        self.path = path
        name = path
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch parts.first {
        case "dlatent_avg" where parts.count == 1: name = "mapping.w_avg"
        case "mapping" where parts.count == 3: readMapping(parts[1], parts[2])
        case "synthesis" where parts.count == 2: readNoise(parts[1])
        case "synthesis" where parts.count == 4: readSynthesis(parts[1], parts[2], parts[3])
        default: break
        }
    }

    private mutating func readMapping(_ layer: String, _ leaf: String) {
        guard leaf == "weight" || leaf == "bias" else { return }
        if layer == "LabelEmbed" {
            name = "mapping.embed.\(leaf)"
        } else if layer.hasPrefix("Dense"), let index = Int(layer.dropFirst(5)), (0..<64).contains(index) {
            name = "mapping.fc\(index).\(leaf)"
        } else {
            return
        }
        if leaf == "weight" { layout = .dense }
    }

    /// `noise0` is b4's, then each block has two.
    private mutating func readNoise(_ leaf: String) {
        guard leaf.hasPrefix("noise"), let index = Int(leaf.dropFirst(5)), (0..<32).contains(index) else { return }
        let block = 1 << ((index + 1) / 2 + 2)
        name = "synthesis.b\(block).conv\(index % 2 == 1 ? 0 : 1).noise_const"
        resolution = block
        layout = .leading(2)
    }

    private mutating func readSynthesis(_ block: String, _ layer: String, _ leaf: String) {
        let sides = block.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count == 2, let side = sides[0], sides[1] == side, (4...1 << 15).contains(side) else { return }
        let prefix = "synthesis.b\(side)."
        if layer == "Const" {
            guard leaf == "const" else { return }
            name = prefix + "const"
            layout = .leading(1)
        } else {
            let layers = ["Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb", "Skip": "skip"]
            guard let layer = layers[layer] else { return }
            switch leaf {
            case "weight":
                name = "\(prefix)\(layer).weight"
                layout = .convolution
                // TensorFlow convolves transposed with the kernel turned.
                if layer == "conv0" { change = .flipped }
            case "bias", "noise_strength": name = "\(prefix)\(layer).\(leaf)"
            case "mod_weight":
                name = "\(prefix)\(layer).affine.weight"
                layout = .dense
            case "mod_bias":
                name = "\(prefix)\(layer).affine.bias"
                change = .plusOne
            default: return
            }
        }
        resolution = side
    }

    /// The two sides of its block, where they differ: `8x4`.
    var oblong: Substring? {
        path.split(separator: "/").first { part in
            let sides = part.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
            return sides.count == 2 && sides[0] != nil && sides[1] != nil && sides[0] != sides[1]
        }
    }

    /// - Throws: `Failure(.data)` where the value is no array, or of another rank.
    func tensor(_ value: PickleValue) throws -> GeneratorFile.Tensor {
        var stored = value.tensor
        if stored == nil, let number = value.number { stored = try StoredTensor([Float(number)], shape: []) }
        guard let stored else { throw malformedNetwork("\(path) is no array of numbers") }
        let arranged: StoredTensor? =
            switch layout {
            case .same: stored
            case .dense: stored.transposed([1, 0])
            case .convolution: stored.transposed([3, 2, 0, 1])
            case .leading(let count): stored.droppingDimensions(count)
            }
        guard let arranged else { throw malformedNetwork("\(path) has the shape \(stored.shape)") }
        return .init(name: name, stored: arranged, change: change)
    }
}

func malformedNetwork(_ what: String) -> Failure {
    Failure(.data, "the TensorFlow network cannot be read, \(what)", "fetch the file again")
}
