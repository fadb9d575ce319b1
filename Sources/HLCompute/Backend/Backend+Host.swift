import CKernels
import HLTensor

/// What is computed by way of the host, one thread, where a device brings nothing faster.
extension Backend {
    package func eppsPulley(
        _ x: Tensor, groups: Int, limit: Float, knots: Int, weight: Float
    ) -> (statistics: Tensor, gradient: Tensor) {
        let rows = x.shape[0] / max(1, groups), columns = x.shape[1]
        requireEppsPulley(x, groups: groups, limit: limit, knots: knots)
        let sample = onHost(x).floats
        var statistics = [Float](repeating: 0, count: groups * columns)
        var gradient = [Float](repeating: 0, count: sample.count)
        sample.withUnsafeBufferPointer { sample in
            statistics.withUnsafeMutableBufferPointer { statistics in
                gradient.withUnsafeMutableBufferPointer { gradient in
                    guard let sample = sample.baseAddress, let statistics = statistics.baseAddress,
                        let gradient = gradient.baseAddress
                    else { return }
                    for group in 0..<groups {
                        let start = group * rows * columns
                        hl_epps_pulley(
                            sample + start, rows, columns, 0, columns, Double(limit), knots, Double(weight),
                            statistics + group * columns, gradient + start)
                    }
                }
            }
        }
        return (
            tensor(HostTensor(statistics, shape: [groups, columns])), tensor(HostTensor(gradient, shape: x.shape))
        )
    }

    /// What `eppsPulley` takes.
    func requireEppsPulley(_ x: Tensor, groups: Int, limit: Float, knots: Int) {
        precondition(x.shape.count == 2 && groups > 0 && x.shape[0] > 0 && x.shape[0] % groups == 0)
        precondition(limit > 0 && (2...64).contains(knots))
    }

    /// The values of a tensor; zeros where an error is waiting, which is kept.
    func onHost(_ x: Tensor) -> HostTensor {
        do {
            return try read(x)
        } catch {
            fail(error as? Failure ?? Failure(.software, "a tensor cannot be read (\(error))", "report this defect"))
            return HostTensor(x.type, shape: x.shape) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
        }
    }
}
