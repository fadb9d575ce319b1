import HLCompute
import HLFormats
import HLTensor

/// A ResNet of some depth, width and stem.
package struct ResNetArchitecture: BackboneArchitecture {
    package let depth: ResNet.Architecture
    /// Channels of the first stage; torchvision's is 64.
    package let width: Int
    package let stem: ResNet.Stem

    static let widths = 1...1024

    /// - Throws: `Failure` (usage) for a width that none has.
    package init(_ depth: ResNet.Architecture, width: Int = 64, stem: ResNet.Stem = .imagenet) throws {
        guard Self.widths.contains(width) else {
            throw Failure(
                .usage, "an encoder of width \(width)",
                "choose a width between \(Self.widths.lowerBound) and \(Self.widths.upperBound)")
        }
        self.depth = depth
        self.width = width
        self.stem = stem
    }

    package var name: String { depth.rawValue }
    package var identity: JSONObject {
        ["arch": .string(name), "width": .integer(Int64(width)), "stem": .string(stem.rawValue)]
    }
    package var layers: [(name: String, length: Int)] {
        zip(ResNet.stages, 0...).map { ($0, (width << $1) * depth.expansion) }
    }
    package var mainLayer: String { ResNet.stages[3] }
    package var normalisation: Normalisation { .imageNet }
    package var side: Int { 128 }
    package var microBatch: Int { 64 }
    package var supervision: String? { nil }
    package var parts: [String] { ["conv1.", "bn1."] + ResNet.stages.map { $0 + "." } }

    package func makeBackbone(on backend: any Backend) -> any Backbone {
        ResNet(backend, depth, width: width, stem: stem)
    }
}
