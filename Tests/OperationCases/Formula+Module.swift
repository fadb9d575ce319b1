import HLCompute
import HLFormats
import HLNet
import HLTensor

extension Module {
    /// Sets the whole state by the formula; the prefix `backbone.` is not part of the formula's names.
    /// - Parameter lastNorm: the last batch norm of the backbone's residual blocks: `bn2` or `bn3`.
    package func loadFormula(lastNorm: String, on backend: any Backend) throws {
        try loadFormula(on: backend) { name, shape, shapes in
            let parts = name.split(separator: ".")
            if ["projector", "predictor", "head", "proj"].contains(parts[0]) {
                let owner = parts.dropLast().joined(separator: ".")
                return Formula.state(name, shape, ofNorm: shapes[owner + ".running_mean"] != nil)
            }
            return Formula.backboneState(withoutBackbone(name), shape, lastNorm: lastNorm)
        }
    }

    /// Sets the whole state but for counters.
    /// - Parameter value: of a tensor by its name and shape, and by the shapes of all.
    package func loadFormula(
        on backend: any Backend, _ value: (_ name: String, _ shape: [Int], _ shapes: [String: [Int]]) -> HostTensor
    ) throws {
        var shapes: [String: [Int]] = [:]
        forEachState("") { name, state in
            switch state {
            case .parameter(let parameter): shapes[name] = parameter.shape
            case .buffer(let tensor, _): shapes[name] = tensor.shape
            case .counter: break
            }
        }
        try load(on: backend) { name in shapes[name].map { value(name, $0, shapes) } }
    }

    /// Every batch norm's running statistics beside the summaries stored under `name`.
    package func runningStatistics(
        _ name: String, _ fixture: TensorFile, _ tolerance: Double, on backend: any Backend
    ) throws -> [Finding] {
        let state = Dictionary(
            uniqueKeysWithValues: try state(on: backend).map { (withoutBackbone($0.name), $0.tensor) })
        let norms = try fixture.list("\(name).norms"), own = state.keys.count { $0.hasSuffix("running_mean") }
        var findings: [Finding] = []
        if norms.count != own { findings.append(Finding(name, wrong: "has \(own) batch norms, not \(norms.count)")) }
        for leaf in ["running_mean", "running_var"] {
            let expected = try fixture.tensor("\(name).\(leaf)")
            for (index, norm) in norms.enumerated() {
                guard let tensor = state["\(norm).\(leaf)"] else {
                    findings.append(Finding("\(norm).\(leaf)", wrong: "is missing"))
                    continue
                }
                findings += Finding.summary(
                    tensor, expected.rows(index..<(index + 1)).floats, tolerance, "\(norm).\(leaf)")
            }
        }
        return findings
    }
}

/// A name as the fixtures have it.
package func withoutBackbone(_ name: String) -> String {
    name.hasPrefix("backbone.") ? String(name.dropFirst("backbone.".count)) : name
}

extension Finding {
    /// A tensor beside a stored summary, as the fixtures' README says.
    package static func summary(
        _ tensor: HostTensor, _ expected: [Float], _ tolerance: Double, _ what: String
    ) -> [Finding] {
        let actual = Formula.summary(tensor), norm = Double(expected[0])
        return zip(actual, expected).enumerated().map { index, pair in
            let scale = index == 1 ? norm * Double(tensor.elementCount).squareRoot() : norm
            return Finding(
                "\(what), entry \(index)", deviation: abs(pair.0 - Double(pair.1)) / scale, tolerance: tolerance)
        }
    }
}

extension TensorFile {
    /// One of its tensors.
    package func tensor(_ name: String) throws -> HostTensor { try known(tensors[name], name) }

    /// A list of names in the metadata.
    package func list(_ key: String) throws -> [String] {
        try known(JSONValue(parsing: known(metadata[key], key), name: key).array, key).compactMap(\.string)
    }

    private func known<Value>(_ value: Value?, _ name: String) throws -> Value {
        guard let value else { throw Failure(.data, "the fixture has no \(name)", "make it anew") }
        return value
    }
}
