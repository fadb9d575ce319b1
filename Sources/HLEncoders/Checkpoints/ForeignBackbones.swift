import HLFormats
import HLTensor

/// The backbones in a file that others wrote: state dicts, alone or within a checkpoint, behind any prefix and wrapper,
/// under the names that a family of `Backbones` knows.
struct ForeignBackbones {
    private let found: [FoundBackbone]
    private let path: String

    /// - Parameters:
    ///   - tensors: all of the file, under the keys that lead to them.
    ///   - path: for messages.
    /// - Throws: `Failure` (incompatible) where there is none.
    init(_ tensors: [(name: String, tensor: StoredTensor)], path: String) throws {
        self.path = path
        let plain = removingWrappers(from: tensors)
        found = Backbones.all.flatMap { $0.networks(in: plain) }
        guard !found.isEmpty else { throw Self.none(Set(plain.map(\.name)), path) }
    }

    // MARK: The choice

    /// The network that is asked for, or the only one, or of several the one that their authors evaluate, with a remark
    /// that says so.
    /// - Parameter part: words of its prefix; nil leaves the choice to the file.
    /// - Throws: `Failure`: usage for a part that is not there or is several, incompatible where there is no telling.
    func chosen(_ part: String?) throws -> (backbone: FoundBackbone, remark: String?) {
        if let part {
            let exact = found.filter { $0.prefix == part }
            let fitting = exact.isEmpty ? found.filter { Self.contains($0.prefix, part) } : exact
            guard let only = fitting.first, fitting.count == 1 else {
                throw Failure(
                    .usage, "\(path) has \(fitting.isEmpty ? "no part" : "\(fitting.count) parts") '\(part)'",
                    "its \(title) are \(Self.list(fitting.isEmpty ? found : fitting))")
            }
            return (only, nil)
        }
        // Copies of one network are no choice.
        var different: [[FoundBackbone]] = []
        for backbone in found {
            if let index = try different.firstIndex(where: { try Self.areEqual($0[0], backbone) }) {
                different[index].append(backbone)
            } else {
                different.append([backbone])
            }
        }
        if different.count == 1 { return (different[0][0], nil) }
        let names = Self.list(different.map { $0[0] })
        let evaluated = different.filter { one in
            different.allSatisfy { other in
                other[0].prefix == one[0].prefix
                    || one.contains { a in other.contains { Self.isEvaluated(a.prefix, ratherThan: $0.prefix) } }
            }
        }
        guard let taken = evaluated.first?.first, evaluated.count == 1 else {
            throw Failure(
                .incompatible, "\(path) holds \(different.count) \(title), \(names), and does not say which is meant",
                "choose one with --part, such as --part \(different[different.count - 1][0].prefix)")
        }
        return (
            taken,
            "\(path) holds \(different.count) \(title), \(names): '\(taken.prefix)' is taken, as its authors do; --part "
                + "chooses another"
        )
    }

    /// What the networks of the file are, in the plural.
    private var title: String {
        let titles = Set(found.map(\.family.title))
        return titles.count == 1 ? titles.map { $0 + "s" }[0] : "networks"
    }

    private static func list(_ backbones: [FoundBackbone]) -> String {
        let names = backbones.prefix(6).map { "'\($0.prefix)'" }
        let last = backbones.count > 6 ? "\(backbones.count - 6) more" : names[names.count - 1]
        let others = backbones.count > 6 ? names : names.dropLast()
        return others.isEmpty ? last : "\(others.joined(separator: ", ")) and \(last)"
    }

    /// Whether the words of `part` stand side by side in a prefix.
    private static func contains(_ prefix: String, _ part: String) -> Bool {
        !part.isEmpty && ".\(prefix).".contains(".\(part).")
    }

    /// A network that is trained, which its authors evaluate, and the slow copy of it that they do not: MoCo (main_lincls.py
    /// of v2 and v3), BYOL, solo-learn and lightly. Where both are in use, as with student and teacher of DINO or the
    /// average of timm, there is no such rule.
    private static let pairs = [
        ("encoder_q", "encoder_k"), ("base_encoder", "momentum_encoder"), ("encoder", "momentum_encoder"),
        ("backbone", "momentum_backbone"), ("backbone", "backbone_momentum"), ("online_encoder", "target_encoder"),
        ("online_network", "target_network"),
    ]

    private static func isEvaluated(_ one: String, ratherThan other: String) -> Bool {
        let (a, b) = (one.split(separator: "."), other.split(separator: "."))
        guard a.count == b.count else { return false }
        let differences = zip(a, b).filter { $0 != $1 }
        return differences.count == 1 && pairs.contains { differences[0].0 == $0.0 && differences[0].1 == $0.1 }
    }

    private static func areEqual(_ a: FoundBackbone, _ b: FoundBackbone) throws -> Bool {
        guard a.tensors.count == b.tensors.count else { return false }
        for (name, tensor) in a.tensors.sorted(by: { $0.value.byteCount < $1.value.byteCount }) {
            guard let other = b.tensors[name], other.shape == tensor.shape, other.type == tensor.type else {
                return false
            }
            if other === tensor { continue }
            let values = (try tensor.hostTensor(), try other.hostTensor())
            guard values.0.withUnsafeBytes({ a in values.1.withUnsafeBytes { a.elementsEqual($0) } }) else {
                return false
            }
        }
        return true
    }

    // MARK: Files of other networks

    private static let likenesses = [
        ("walker.0.weight", "a walker, for hl-perturb"), ("mapping.fc0.weight", "a StyleGAN2 generator"),
        ("embedder.embedder.convolution.weight", "a ResNet under the names of transformers"),
        ("patch_embed.proj.weight", "a vision transformer"), ("conv_proj.weight", "a vision transformer"),
        ("layers.0.blocks.0.norm1.weight", "a Swin transformer"), ("stages.0.blocks.0.conv_dw.weight", "a ConvNeXt"),
        (
            "blocks.0.0._depthwise_conv.weight",
            "an EfficientNet-Lite of RangiLyu's code, which pads as neither of ours does"
        ),
        ("features.0.weight", "a VGG or AlexNet"), ("features.0.0.weight", "a MobileNet or EfficientNet"),
    ]

    private static func none(_ names: Set<String>, _ path: String) -> Failure {
        let likeness = likenesses.first { sign in names.contains { $0 == sign.0 || $0.hasSuffix("." + sign.0) } }
        let reason =
            names.isEmpty
            ? "it has no tensors"
            : likeness.map { "it looks like \($0.1)" } ?? shard(inName: path).map { "its name says that it is \($0)" }
                ?? "no tensor is named layer1.0.conv1.weight"
        return Failure(
            .incompatible, "\(path) holds no \(Backbones.titles): \(reason)",
            "name an encoder of hl-train, or a state dict of one under the names of torchvision or timm")
    }
}
