import CKernels
import HLTensor

/// Latents from N(0, 1) cut off at ±2, in training: each is a function of seed, step and its place in the batch.
struct TrainingLatents {
    /// [B, chunks · m]
    let values: HostTensor
    /// With cells, the class of each; else nothing.
    let cells: [Int32]

    /// - Parameters:
    ///   - places: in the batch of all ranks, of the B that are drawn here.
    ///   - shape: chunks and values of each.
    ///   - key: of this batch.
    ///   - content: what chunk 0 is to hold. For a head it comes twice: row i and row i + B/2 differ in all chunks but 0.
    init(places: [Int64], chunks: Int, dimension: Int, key: RandomKey, content: GeneratorContent) {
        let width = chunks * dimension, count = places.count
        values = HostTensor(.f32, shape: [count, width]) { bytes in
            guard let start = bytes.bindMemory(to: Float.self).baseAddress else { return }
            hl_truncated_normal_ids(key.low, key.high, places, count, width, 0, 1, 2, start)
            guard case .infoNCE = content else { return }
            for row in 0..<count / 2 {
                (start + (count / 2 + row) * width).update(from: start + row * width, count: dimension)
            }
        }
        guard case .cells(let classes) = content else {
            cells = []
            return
        }
        cells = values.withUnsafeElements(as: Float.self) { values in
            (0..<count).map { row in
                let first = values[row * width..<row * width + classes]
                return Int32((first.indices.max { first[$0] < first[$1] } ?? first.startIndex) - first.startIndex)
            }
        }
    }
}
