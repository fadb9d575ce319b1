/// What training puts around a network, and with it into the names of its tensors, wherever it stands in them: the
/// wrappers of DataParallel and torch.optim.swa_utils, torch.compile, FSDP, DeepSpeed and activation checkpointing.
private let wrappers: [Substring] = [
    "module", "_orig_mod", "_fsdp_wrapped_module", "_forward_module", "_checkpoint_wrapped_module",
]

/// A tensor's name, or a prefix of names, without the wrappers that lead to it.
package func withoutWrappers(_ name: String) -> String {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.contains(where: wrappers.contains) else { return name }
    return parts.filter { !wrappers.contains($0) }.joined(separator: ".")
}

/// The tensors under their names without wrappers; as they are where two of them would have one name.
package func removingWrappers(
    from tensors: [(name: String, tensor: StoredTensor)]
) -> [(name: String, tensor: StoredTensor)] {
    let plain = tensors.map { (name: withoutWrappers($0.name), tensor: $0.tensor) }
    return Set(plain.map(\.name)).count == tensors.count ? plain : tensors
}

extension PickleValue {
    /// What a key leads to: a module's child, the entry of a dictionary, the attribute of an object, or the element of a
    /// list or tuple. A wrapper that the key does not name is passed through.
    package func child(_ key: String) -> PickleValue? {
        if let found = ownChild(key) { return found }
        for wrapper in wrappers { if let found = ownChild(String(wrapper))?.ownChild(key) { return found } }
        return nil
    }

    private func ownChild(_ key: String) -> PickleValue? {
        if let child = object?.attribute("_modules")?[key] ?? self[key] { return child }
        guard let elements, let index = Int(key), elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The module within the wrappers around it.
    package var unwrapped: PickleValue {
        var value = self
        for _ in 0..<8 {
            guard let inner = wrappers.lazy.compactMap({ value.ownChild(String($0)) }).first else { break }
            value = inner
        }
        return value
    }

    /// What the keys of a dotted prefix lead to, as `state_dict.module.walker`; an empty one leads to the value itself.
    package func descendant(at prefix: String) -> PickleValue? {
        prefix.split(separator: ".").reduce(self as PickleValue?) { $0?.child(String($1)) }
    }
}
