import HLCompute
import HLTensor
import Testing

extension ComputeTests {
    /// Products of rows that depend on no other row.
    struct ProjectRowsTests {
        /// Rows beside whole blocks of six, outputs beside whole panels of sixteen, and neither.
        @Test(arguments: [(1, 1, 1), (5, 3, 2), (6, 16, 8), (13, 120, 120), (64, 17, 33), (37, 512, 70), (0, 4, 5)])
        func everyRowByItself(_ rows: Int, _ inputs: Int, _ outputs: Int) throws {
            var random = RandomKey(seed: 4, purpose: .shuffle).sequence(id: Int64(rows))
            func values(_ count: Int) -> [Float] { (0..<count).map { _ in random.uniform(-1, 1) } }
            let x = values(rows * inputs), weight = values(outputs * inputs)
            // Each sum in the order of its terms, every product rounded: what all instruction sets must give.
            let expected = (0..<rows * outputs).map { index in
                (0..<inputs).reduce(Float(0)) { sum, k in
                    sum + x[index / outputs * inputs + k] * weight[index % outputs * inputs + k]
                }
            }
            for threads in [1, 2] {
                let backend = try CPUBackend.plain(threads: threads)
                let w = backend.tensor(HostTensor(weight, shape: [outputs, inputs]))
                let whole = try backend.read(
                    backend.projectRows(backend.tensor(HostTensor(x, shape: [rows, inputs])), w))
                #expect(whole.shape == [rows, outputs] && whole.floats == expected)
                for row in Set([0, rows / 2, rows - 1]) where row >= 0 && row < rows {
                    let one = backend.tensor(
                        HostTensor(Array(x[row * inputs..<(row + 1) * inputs]), shape: [1, inputs]))
                    #expect(try backend.read(backend.projectRows(one, w)).floats == whole.rows(row..<row + 1).floats)
                }
            }
        }
    }
}
