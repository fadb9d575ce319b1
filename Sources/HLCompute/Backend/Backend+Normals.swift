import CKernels
import HLTensor

extension Backend {
    /// Drawn on the host.
    package func normals(_ sequences: [RandomSequence], count: Int) -> Tensor {
        let values = HostTensor(.f32, shape: [sequences.count, count]) { bytes in
            guard let start = bytes.bindMemory(to: Float.self).baseAddress else { return }
            for (row, sequence) in sequences.enumerated() { sequence.drawNormals(count, into: start + row * count) }
        }
        return tensor(values)
    }
}

extension RandomSequence {
    /// Standard normal values from the beginning of the sequence, one a word, by inverting the distribution function
    /// (`hl_random.h`): arithmetic alone, so that a device can make the same bits.
    func drawNormals(_ count: Int, into target: UnsafeMutablePointer<Float>) {
        hl_truncated_normal(key.low, key.high, Int64(bitPattern: id), 1, count, 0, 1, .infinity, target)
    }
}
