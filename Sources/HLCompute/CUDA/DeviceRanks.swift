import HLTensor

/// Exchanges between backends on cards: nothing comes by way of the host.
final class DeviceRanks: Ranks {
    let communicator: any Communicator
    private let backend: CUDABackend
    private let exchange: any DeviceExchange
    /// Tensors whose sums are under way: their memory may serve nothing else.
    private var waiting: [Tensor] = []

    init(_ communicator: any Communicator, _ exchange: any DeviceExchange, on backend: CUDABackend) {
        self.communicator = communicator
        self.exchange = exchange
        self.backend = backend
    }

    func gatherRows(_ x: Tensor) -> Tensor {
        let all = backend.allocate([count * x.shape[0]] + x.shape.dropFirst(), type: x.type)
        backend.attempt { () throws(Failure) in
            try exchange.gather(x.cuda.address, into: all.cuda.address, byteCount: x.elementCount * x.type.size)
        }
        return all
    }

    func beginSum(_ tensors: [Tensor]) {
        waiting += tensors
        backend.attempt { () throws(Failure) in
            try exchange.beginSum(tensors.map { UnsafeMutableBufferPointer(start: $0.f32, count: $0.elementCount) })
        }
    }

    func finishSums() {
        backend.attempt { () throws(Failure) in try exchange.finishSums() }
        for tensor in waiting { tensor.cuda.version += 1 }
        waiting = []
    }
}

extension CUDABackend {
    package func ranks(over communicator: any Communicator) -> any Ranks {
        do throws(Failure) {
            return DeviceRanks(communicator, try device.exchange(over: communicator), on: self)
        } catch {
            fail(error)
            return HostRanks(communicator, on: self)
        }
    }
}
