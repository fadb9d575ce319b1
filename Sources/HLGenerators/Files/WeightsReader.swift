import CKernels
import HLTensor

/// Takes the tensors that a network needs out of a weights file, each checked for its shape, and at the end that none
/// was left: what a network does not know it would not compute.
final class WeightsReader {
    let file: GeneratorFile
    private var unread: Set<String>

    init(_ file: GeneratorFile) {
        self.file = file
        unread = Set(file.names)
    }

    func has(_ name: String) -> Bool { file.shape(of: name) != nil }

    /// The shape of a tensor that must be there with this many dimensions, all above zero and of sensible size.
    func shape(_ name: String, rank: Int) throws -> [Int] {
        guard let shape = file.shape(of: name) else { throw missing(name) }
        guard shape.count == rank, shape.allSatisfy({ (1...1 << 20).contains($0) }) else {
            throw misshapen(name, shape, "\(rank) dimensions above 0")
        }
        return shape
    }

    /// F32.
    func take(_ name: String, _ shape: [Int]) throws -> HostTensor {
        guard let found = file.shape(of: name) else { throw missing(name) }
        guard found == shape else { throw misshapen(name, found, "\(shape)") }
        unread.remove(name)
        return try file.tensor(name)
    }

    /// The values of a tensor as doubles, for what is computed once.
    func values(_ name: String, _ shape: [Int]) throws -> [Double] { try take(name, shape).floats.map(Double.init) }

    /// A tensor of one value.
    func scalar(_ name: String) throws -> Double {
        guard let shape = file.shape(of: name) else { throw missing(name) }
        guard shape.reduce(1, *) == 1 else { throw misshapen(name, shape, "one value") }
        return try values(name, shape)[0]
    }

    /// Passes over a tensor that decides nothing.
    func ignore(_ name: String) { unread.remove(name) }

    /// - Throws: `Failure(.incompatible)` when the file has tensors that the network does not know.
    func finish(_ network: String) throws {
        guard let first = unread.min() else { return }
        let more = unread.count > 1 ? " and \(unread.count - 1) more" : ""
        throw Failure(
            .incompatible, "\(file.path) has \(first)\(more), which a \(network) network does not use",
            "it is of another architecture; use the file of this one")
    }

    private func missing(_ name: String) -> Failure {
        Failure(.data, "\(file.path) has no \(name)", "fetch or save the file again")
    }

    private func misshapen(_ name: String, _ shape: [Int], _ wanted: String) -> Failure {
        Failure(.data, "\(name) of \(file.path) has the shape \(shape), not \(wanted)", "use the file of this network")
    }
}

extension HostTensor {
    /// An F32 tensor times a number.
    func scaled(by factor: Float) -> HostTensor {
        HostTensor(.f32, shape: shape) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            withUnsafeElements(as: Float.self) { source in
                if let from = source.baseAddress, let to = target.baseAddress {
                    hl_scale(factor, from, to, source.count)
                }
            }
        }
    }

    /// [O, I, k, k] as [I, O, k, k].
    func swappingChannels() -> HostTensor {
        let (outputs, inputs, taps) = (shape[0], shape[1], shape[2] * shape[3])
        return HostTensor(.f32, shape: [inputs, outputs, shape[2], shape[3]]) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            withUnsafeElements(as: Float.self) { source in
                for input in 0..<inputs {
                    for output in 0..<outputs {
                        let from = (output * inputs + input) * taps, to = (input * outputs + output) * taps
                        for tap in 0..<taps { target[to + tap] = source[from + tap] }
                    }
                }
            }
        }
    }
}
