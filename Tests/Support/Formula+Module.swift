import HLCompute
import HLFormats
import HLNet
import HLTensor
import Testing

extension Module {
    /// Sets the whole state by the formula; the prefix `backbone.` is not part of the formula's names.
    /// - Parameter lastNorm: the last batch norm of the backbone's residual blocks: `bn2` or `bn3`.
    package func loadFormula(lastNorm: String, on backend: any Backend) throws {
        var shapes: [String: [Int]] = [:]
        forEachState("") { name, state in
            switch state {
            case .parameter(let parameter): shapes[name] = parameter.shape
            case .buffer(let tensor, _): shapes[name] = tensor.shape
            case .counter: break
            }
        }
        try load(on: backend) { name in
            guard let shape = shapes[name] else { return nil }
            let parts = name.split(separator: ".")
            if ["projector", "predictor", "head", "proj"].contains(parts[0]) {
                let owner = parts.dropLast().joined(separator: ".")
                return Formula.state(name, shape, ofNorm: shapes[owner + ".running_mean"] != nil)
            }
            return Formula.backboneState(withoutBackbone(name), shape, lastNorm: lastNorm)
        }
    }
}

/// A name as the fixtures have it.
package func withoutBackbone(_ name: String) -> String {
    name.hasPrefix("backbone.") ? String(name.dropFirst("backbone.".count)) : name
}

/// Compares every batch norm's running statistics with the summaries stored under `name`.
package func expectRunningStatistics(
    _ module: some Module, _ name: String, _ fixture: TensorFile, _ tolerance: Double, on backend: any Backend
) throws {
    let state = Dictionary(
        uniqueKeysWithValues: try module.state(on: backend).map { (withoutBackbone($0.name), $0.tensor) })
    let norms = try fixture.list("\(name).norms")
    #expect(norms.count == state.keys.count { $0.hasSuffix("running_mean") })
    for leaf in ["running_mean", "running_var"] {
        let expected = try fixture.tensor("\(name).\(leaf)")
        for (index, norm) in norms.enumerated() {
            let tensor = try #require(state["\(norm).\(leaf)"], "\(norm) is missing")
            expectSummary(tensor, expected.rows(index..<(index + 1)).floats, tolerance, "\(norm).\(leaf)")
        }
    }
}
