import CKernels
import HLTensor

/// A distribution that parameters are drawn from before training.
package enum Initialiser: Sendable {
    case constant(Float)
    /// N(0, σ²).
    case normal(standardDeviation: Float)
    /// Uniform within ±bound.
    case uniform(bound: Float)
    /// Rows of a weight [out, …] at right angles to each other and of unit length, or columns where there are fewer (Saxe
    /// et al. 2014; torch.nn.init.orthogonal_).
    case orthogonal

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
            case .orthogonal:
                hl_truncated_normal(key.low, key.high, id, 1, values.count, 0, 1, .infinity, start)
                Self.orthogonalise(values, rows: shape[0])
            }
        }
    }

    /// Gram–Schmidt's process in double precision, twice, along the shorter side of a matrix of normal values: Q of its QR
    /// decomposition with a positive diagonal of R, as PyTorch has it.
    private static func orthogonalise(_ values: UnsafeMutableBufferPointer<Float>, rows: Int) {
        let columns = values.count / rows, isWide = rows <= columns
        let (count, length) = isWide ? (rows, columns) : (columns, rows)
        func place(_ vector: Int, _ entry: Int) -> Int { isWide ? vector * columns + entry : entry * columns + vector }
        var vectors: [[Double]] = []
        for vector in 0..<count {
            var new = (0..<length).map { Double(values[place(vector, $0)]) }
            for _ in 0..<2 {
                for other in vectors { Vectors.add(-Vectors.dot(new, other), other, to: &new) }
            }
            Vectors.scale(&new, by: 1 / Vectors.length(new))
            for entry in 0..<length { values[place(vector, entry)] = Float(new[entry]) }
            vectors.append(new)
        }
    }
}
