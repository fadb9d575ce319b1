import HLTensor

/// Every tensor of a pickle under the keys that lead to it, joined by dots, as in `state_dict.module.conv1.weight`; the
/// parameters and buffers of a pickled module come under the names that PyTorch's `state_dict()` gives them, and what
/// lies in a list or tuple under its position. Nothing is copied yet, and the whole is not checked: see `checkTensors`.
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

/// Walks modules, dictionaries, lists and tuples, within bounds: shared nodes can make the walk exponentially long.
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
        } else if let elements = value.elements {
            // Lists of modules are short; long ones are records of losses and the like.
            let first = elements.prefix(1024)
            try spend(first.count)
            for (index, element) in first.enumerated() where Self.isContainer(element) {
                try collect(element, prefix: joined(prefix, String(index)) + ".", depth: depth + 1)
            }
        }
    }

    private static func isContainer(_ value: PickleValue) -> Bool {
        value.object != nil || value.dictionary != nil || value.elements != nil
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
            guard let name = key.text, Self.isContainer(value) else { continue }
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
