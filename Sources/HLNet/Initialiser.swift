import CKernels
import HLTensor

/// A distribution that parameters are drawn from before training.
package enum Initialiser: Sendable {
    case constant(Float)
    /// N(0, σ²).
    case normal(standardDeviation: Float)
    /// Uniform within ±bound.
    case uniform(bound: Float)

    /// N(0, 2 / (out · k²)) for a weight [O, I, k, k], as torchvision's ResNet draws its convolutions (He et al. 2015,
    /// mode fan_out).
    package static func kaimingFanOut(_ shape: [Int]) -> Initialiser {
        .normal(standardDeviation: (2 / Float(shape[0] * shape[2] * shape[3])).squareRoot())
    }

    /// U(±1/√in), as torch.nn.Linear draws weight and bias.
    package static func linear(inputs: Int) -> Initialiser { .uniform(bound: 1 / Float(inputs).squareRoot()) }

    /// Values F32 of that shape; those of an id and key are always the same.
    func draw(_ shape: [Int], key: RandomKey, id: Int64) -> HostTensor {
        HostTensor(.f32, shape: shape) { bytes in
            let values = bytes.bindMemory(to: Float.self)
            guard let start = values.baseAddress else { return }
            switch self {
            case .constant(let value): values.update(repeating: value)
            case .normal(let deviation):
                hl_truncated_normal(
                    key.low, key.high, id, 1, values.count, 0, Double(deviation), .infinity, start)
            case .uniform(let bound):
                var sequence = key.sequence(id: id)
                for index in values.indices { values[index] = sequence.uniform(-bound, bound) }
            }
        }
    }
}
