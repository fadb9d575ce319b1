import HLTensor

/// The named tensors of a model file, in file order.
package typealias StateDictionary = [(name: String, tensor: HostTensor)]

/// The tensors of a state dict under PyTorch's dotted names.
///
/// Takes a state dict; a checkpoint that holds one, or a module, under one of the usual names (`state_dict`, `model`,
/// `nn_walker`, `G_ema`, …); and a pickled module, whose parameters and buffers get the names that PyTorch's
/// `state_dict()` gives them. Prefixes such as DataParallel's `module.` stay.
///
/// - Throws: `Failure` of kind `data` where there are no tensors or the file asks for absurd amounts.
package func stateDictionary(of value: PickleValue) throws -> StateDictionary {
    let found = try collectedTensors(of: model(in: value))
    guard !found.isEmpty else {
        throw Failure(.data, "the file holds no tensors", "name a file with a state dict or a module")
    }
    try checkTensors(found)
    return try found.map { ($0.name, try $0.tensor.hostTensor()) }
}

/// Every tensor of a pickle under the keys that lead to it, joined by dots, as in `state_dict.module.conv1.weight`; the
/// parameters and buffers of a pickled module come under the names that PyTorch's `state_dict()` gives them. Nothing is
/// copied yet, and the whole is not checked: see `checkTensors`.
///
/// - Throws: `Failure` of kind `data` where the file asks for absurd amounts.
package func collectedTensors(of value: PickleValue) throws -> [(name: String, tensor: StoredTensor)] {
    var collector = TensorCollector()
    try collector.collect(value)
    return collector.found
}

/// Whether the tensors can be copied out: each has its elements and a name of its own, and all of them together are
/// not far more than the files that they come from.
/// - Throws: `Failure` of kind `data` where they are not.
package func checkTensors(_ tensors: [(name: String, tensor: StoredTensor)]) throws {
    var total = 0
    var available = 1 << 28
    var sources: Set<ObjectIdentifier> = []
    var names: Set<String> = []
    for (name, tensor) in tensors {
        guard names.insert(name).inserted else {
            throw Failure(.data, "two tensors are named \(quoted(name))", "the file is damaged; save it again")
        }
        let contents = try tensor.storage.contents()
        if sources.insert(ObjectIdentifier(contents.owner)).inserted { available += contents.total * 4 }
        total += tensor.byteCount
        guard total <= available else {
            throw Failure(
                .data, "the tensors repeat the file's elements many times over",
                "the file is damaged or hostile; do not use it")
        }
    }
}

/// The tensors whose names begin with `prefix`, without it; for instance `module.encoder.` of SimSiam's checkpoints.
package func removingPrefix(_ prefix: String, from tensors: StateDictionary) -> StateDictionary {
    tensors.filter { $0.name.hasPrefix(prefix) }.map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }
}

/// All tensors, without the longest of `prefixes` that every name begins with.
package func removingCommonPrefix(
    from tensors: StateDictionary, among prefixes: [String] = ["module.", "module.encoder.", "_orig_mod."]
) -> StateDictionary {
    let common = prefixes.filter { prefix in tensors.allSatisfy { $0.name.hasPrefix(prefix) } }
    guard !tensors.isEmpty, let longest = common.max(by: { $0.utf8.count < $1.utf8.count }) else { return tensors }
    return removingPrefix(longest, from: tensors)
}

/// The part of a checkpoint that is the model.
private func model(in value: PickleValue) -> PickleValue {
    guard let root = value.dictionary else { return value }
    let usual = [
        "state_dict", "model_state_dict", "model", "nn_walker", "G_ema", "g_ema", "ema", "net", "network", "encoder",
        "backbone", "walker", "generator", "G",
    ]
    for key in usual {
        if let part = root[key], holdsModel(part) { return part }
    }
    return value
}

private func holdsModel(_ value: PickleValue) -> Bool {
    if let object = value.object { return object.attribute("_parameters")?.dictionary != nil }
    guard let dictionary = value.dictionary else { return false }
    return stride(from: 1, to: dictionary.slots.count, by: 2).contains { dictionary.slots[$0].tensor != nil }
}

/// Walks modules and dictionaries, within bounds: shared nodes can make the walk exponentially long.
private struct TensorCollector {
    private(set) var found: [(name: String, tensor: StoredTensor)] = []
    private var steps = 0

    mutating func collect(_ value: PickleValue) throws { try collect(value, prefix: "", depth: 0) }

    private mutating func collect(_ value: PickleValue, prefix: String, depth: Int) throws {
        guard depth < 128 else { throw Self.endless }
        try spend(1)
        if let object = value.object, let attributes = try attributes(of: object),
            let parameters = attributes["_parameters"]?.dictionary
        {
            try addTensors(of: parameters, prefix: prefix)
            if let buffers = attributes["_buffers"]?.dictionary {
                let transient = attributes["_non_persistent_buffers_set"]?.elements ?? []
                try spend(transient.count)
                try addTensors(of: buffers, prefix: prefix, except: Set(transient.compactMap(\.text)))
            }
            try descend(into: attributes["_modules"]?.dictionary, prefix: prefix, depth: depth)
        } else if let dictionary = value.dictionary {
            try addTensors(of: dictionary, prefix: prefix)
            try descend(into: dictionary, prefix: prefix, depth: depth)
        }
    }

    /// The `__dict__` of a module.
    private mutating func attributes(of object: PickleObject) throws -> PickleDictionary? {
        let attributes = object.state.dictionary ?? object.state.elements?.first?.dictionary
        try spend(attributes?.count ?? 0)
        return attributes
    }

    private mutating func addTensors(
        of dictionary: PickleDictionary, prefix: String, except: Set<String> = []
    ) throws {
        try spend(dictionary.count)
        for (key, value) in dictionary.entries {
            guard let tensor = value.tensor, let name = key.text, !except.contains(name) else { continue }
            guard found.count < 1 << 16 else { throw Self.endless }
            found.append((try joined(prefix, name), tensor))
        }
    }

    private mutating func descend(into dictionary: PickleDictionary?, prefix: String, depth: Int) throws {
        try spend(dictionary?.count ?? 0)
        for (key, value) in dictionary?.entries ?? [] {
            guard let name = key.text, value.object != nil || value.dictionary != nil else { continue }
            try collect(value, prefix: joined(prefix, name) + ".", depth: depth + 1)
        }
    }

    private func joined(_ prefix: String, _ name: String) throws -> String {
        guard prefix.utf8.count + name.utf8.count <= 1024 else {
            throw Failure(
                .data, "a tensor's name is longer than 1024 bytes", "the file is damaged or hostile; do not use it")
        }
        return prefix + name
    }

    private mutating func spend(_ count: Int) throws {
        steps += count
        guard steps <= 1 << 22 else { throw Self.endless }
    }

    private static var endless: Failure {
        Failure(.data, "the modules nest without end", "the file is damaged or hostile; do not use it")
    }
}
