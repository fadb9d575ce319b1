import CKernels
import HLCompute
import HLNet
import HLTensor

/// MoCo's queue: the latest K keys, [K, d], of unit length, the oldest replaced first. K need not be a multiple of the
/// batch.
package final class KeyQueue: Module {
    package let keys: Tensor
    /// Keys added since the start; modulo K, the place of the next.
    private let added = Counter()
    private let backend: any Backend

    /// - Parameters: `count` and `dimension` are K and d, at least 1.
    package init(_ backend: any Backend, count: Int, dimension: Int) {
        self.backend = backend
        keys = backend.constant(0, shape: [count, dimension])
    }

    package func forEachState(_ prefix: String, _ body: (String, State) throws -> Void) rethrows {
        try body(prefix + "keys", .buffer(keys, .constant(0)))
        try body(prefix + "added", .counter(added))
    }

    /// Batches of `size` keys added since the start.
    package func batches(of size: Int) -> Int { Int(added.value) / size }

    /// Starts anew, with random directions where keys will come, as the published code does.
    package func fill(seed: UInt64) {
        let key = RandomKey(seed: seed, purpose: .initialisation), id = Int64(bitPattern: StableHash("queue").value)
        let normals = HostTensor(.f32, shape: keys.shape) { bytes in
            let values = bytes.bindMemory(to: Float.self)
            guard let start = values.baseAddress else { return }
            hl_truncated_normal(key.low, key.high, id, 1, values.count, 0, 1, .infinity, start)
        }
        backend.assignRows(backend.normaliseRows(backend.tensor(normals)).output, to: keys, at: 0)
        added.value = 0
    }

    /// Puts a batch of keys, [N, d] with N at most K, in the place of the oldest.
    package func add(_ batch: Tensor) {
        let count = batch.shape[0], capacity = keys.shape[0]
        let position = Int(added.value.magnitude % UInt64(capacity)), first = min(count, capacity - position)
        backend.assignRows(backend.rows(batch, 0..<first), to: keys, at: position)
        if first < count { backend.assignRows(backend.rows(batch, first..<count), to: keys, at: 0) }
        added.value &+= Int64(count)
    }
}
