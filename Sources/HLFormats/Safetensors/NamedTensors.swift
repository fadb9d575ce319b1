import HLTensor

/// Tensors by name, in the order in which the names were first set.
package struct NamedTensors: Sendable, Sequence {
    package private(set) var names: [String] = []
    private var values: [HostTensor] = []
    private var indices: [String: Int] = [:]

    package init() {}

    /// A name given twice keeps its last tensor.
    package init(_ entries: [(String, HostTensor)]) {
        for (name, tensor) in entries { self[name] = tensor }
    }

    package var count: Int { names.count }
    package var isEmpty: Bool { names.isEmpty }

    /// Setting `nil` removes the name, in time linear in `count`.
    package subscript(name: String) -> HostTensor? {
        get { indices[name].map { values[$0] } }
        set {
            guard let newValue else {
                remove(name)
                return
            }
            if let index = indices[name] {
                values[index] = newValue
            } else {
                indices[name] = names.count
                names.append(name)
                values.append(newValue)
            }
        }
    }

    @discardableResult
    package mutating func remove(_ name: String) -> HostTensor? {
        guard let index = indices.removeValue(forKey: name) else { return nil }
        names.remove(at: index)
        for later in index..<names.count { indices[names[later]] = later }
        return values.remove(at: index)
    }

    package func makeIterator() -> AnyIterator<(name: String, tensor: HostTensor)> {
        var index = 0
        return AnyIterator {
            guard index < names.count else { return nil }
            defer { index += 1 }
            return (names[index], values[index])
        }
    }

    /// The same names with transformed tensors.
    package func mapTensors(_ transform: (HostTensor) throws -> HostTensor) rethrows -> NamedTensors {
        var result = self
        result.values = try values.map(transform)
        return result
    }
}

extension NamedTensors: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, HostTensor)...) { self.init(elements) }
}
