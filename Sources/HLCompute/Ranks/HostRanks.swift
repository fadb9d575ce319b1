import HLTensor

/// Exchanges by way of the host, for any backend: right, and slow, since everything waits for everything.
final class HostRanks: Ranks {
    let communicator: any Communicator
    private let backend: any Backend
    private var waiting: [(tensors: [Tensor], values: UnsafeMutableBufferPointer<Float>)] = []

    init(_ communicator: any Communicator, on backend: any Backend) {
        self.communicator = communicator
        self.backend = backend
    }

    func gatherRows(_ x: Tensor) -> Tensor {
        let host = backend.onHost(x)
        return backend.tensor(host.type, shape: [count * x.shape[0]] + x.shape.dropFirst()) { all in
            host.withUnsafeBytes { communicator.gather($0, into: all) }
        }
    }

    func beginSum(_ tensors: [Tensor]) {
        let size = tensors.reduce(0) { $0 + $1.elementCount }
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: (size + count - 1) / count * count)
        values.initialize(repeating: 0)
        var start = 0
        for tensor in tensors {
            backend.onHost(tensor).withUnsafeElements(as: Float.self) {
                for (index, value) in $0.enumerated() { values[start + index] = value }
            }
            start += tensor.elementCount
        }
        waiting.append((tensors, values))
        communicator.beginSum(values) {}
    }

    func finishSums() {
        communicator.finishSums()
        for (tensors, values) in waiting {
            var start = 0
            for tensor in tensors {
                let part = Array(values[start..<start + tensor.elementCount])
                backend.assign(HostTensor(part, shape: tensor.shape), to: tensor)
                start += tensor.elementCount
            }
            values.deallocate()
        }
        waiting = []
    }
}

extension Backend {
    package func ranks(over communicator: any Communicator) -> any Ranks { HostRanks(communicator, on: self) }
}
