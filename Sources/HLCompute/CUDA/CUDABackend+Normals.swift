import CCUDA
import HLTensor

extension CUDABackend {
    package func normals(_ sequences: [RandomSequence], count: Int) -> Tensor {
        let result = allocate([sequences.count, count])
        let names = uploaded(
            sequences.flatMap { sequence in
                [
                    sequence.key.low, sequence.key.high, UInt32(truncatingIfNeeded: sequence.id),
                    UInt32(truncatingIfNeeded: sequence.id >> 32),
                ]
            })
        // A thread makes four values of one block of words.
        let blocks = (count + 3) / 4
        withExtendedLifetime(names) {
            launch(
                hl_kernel_normals, .over(sequences.count * blocks),
                hl_cuda_normals(
                    y: result.f32, sequences: names.structures(), rows: UInt32(kernel: sequences.count),
                    count: UInt32(kernel: count), blocks: UInt32(kernel: blocks)))
        }
        return result
    }
}
