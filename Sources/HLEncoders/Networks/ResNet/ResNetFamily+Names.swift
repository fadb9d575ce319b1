import HLFormats

/// Where ResNets of others are in a file: behind any prefix, with torchvision's names or numbered as in
/// `nn.Sequential(*resnet.children())`.
extension ResNetFamily {
    func networks(in tensors: [(name: String, tensor: StoredTensor)]) -> [FoundBackbone] {
        Self.namedPrefixes(tensors.map(\.name)).map { prefix in
            found(behind: prefix, of: tensors) { $0 }
        }
            + Self.numberedPrefixes(tensors).map { prefix, first in
                found(behind: prefix, of: tensors) { Self.name(ofNumbered: $0, firstStage: first) }
            }
    }

    private func found(
        behind prefix: String, of tensors: [(name: String, tensor: StoredTensor)], _ rename: (String) -> String?
    ) -> FoundBackbone {
        FoundBackbone(
            family: self, prefix: String(prefix.dropLast()),
            tensors: renamed(tensors, behind: prefix) { name in
                // As ResNets for CIFAR call it.
                rename(name)?.replacing(".shortcut.", with: ".downsample.")
            })
    }

    // MARK: Names

    /// What stands before `layer1.0.conv1.weight`, in the order of the file; of a file without that, as one of several
    /// parts, before the same of a later stage.
    private static func namedPrefixes(_ names: [String]) -> [String] {
        for stage in 1...4 {
            let mark = "layer\(stage).0.conv1.weight"
            let prefixes = names.filter { $0 == mark || $0.hasSuffix(".\(mark)") }.map {
                String($0.dropLast(mark.count))
            }
            if !prefixes.isEmpty { return prefixes }
        }
        return []
    }

    /// Prefixes of numbered networks, each with the number of its first stage: 4 behind convolution, norm, ReLU and
    /// pooling, less where some of these are left out.
    private static func numberedPrefixes(
        _ tensors: [(name: String, tensor: StoredTensor)]
    ) -> [(prefix: String, firstStage: Int)] {
        let mark = ".0.conv1.weight"
        var stages: [String: Set<Int>] = [:]
        var order: [String] = []
        for (name, _) in tensors where name.hasSuffix(mark) {
            let path = name.dropLast(mark.count)
            let number = path.reversed().prefix { $0.isASCII && $0.isNumber }
            let prefix = String(path.dropLast(number.count))
            guard let stage = Int(String(number.reversed())), prefix.isEmpty || prefix.hasSuffix(".") else { continue }
            if stages[prefix] == nil { order.append(prefix) }
            stages[prefix, default: []].insert(stage)
        }
        return order.compactMap { prefix in
            guard let numbers = stages[prefix]?.sorted(), let first = numbers.first, (2...4).contains(first),
                numbers == Array(first..<first + 4),
                let stem = tensors.first(where: { $0.name == "\(prefix)0.weight" }), stem.tensor.shape.count == 4
            else { return nil }
            return (prefix, first)
        }
    }

    /// torchvision's name of a tensor of a numbered network; nil for what is behind its last stage.
    private static func name(ofNumbered name: String, firstStage: Int) -> String? {
        let parts = name.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[0]) else { return nil }
        switch number {
        case 0: return "conv1.\(parts[1])"
        case 1: return "bn1.\(parts[1])"
        case firstStage..<firstStage + 4: return "layer\(number - firstStage + 1).\(parts[1])"
        default: return nil
        }
    }
}
