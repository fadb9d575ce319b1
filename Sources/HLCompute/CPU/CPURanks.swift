import HLTensor

/// Exchanges from and to the memory of the CPU backends. Sums are packed into one piece of memory each, in the layout that
/// the tensors have: ranks that sum compute by the same libraries with as many threads.
final class CPURanks: Ranks {
    let communicator: any Communicator
    private let backend: CPUBackend
    private var waiting: [Tensor] = []
    /// Memory that has served before, by its size: buckets are the same in every step.
    private var spare: [Int: [UnsafeMutablePointer<Float>]] = [:]
    private var used: [(count: Int, memory: UnsafeMutablePointer<Float>)] = []

    init(_ communicator: any Communicator, on backend: CPUBackend) {
        self.communicator = communicator
        self.backend = backend
    }

    deinit { for memory in spare.values.joined() { memory.deallocate() } }

    func gatherRows(_ x: Tensor) -> Tensor {
        let own = backend.plain(x)
        defer { withExtendedLifetime(own) {} }
        let all = backend.allocate([count * x.shape[0]] + x.shape.dropFirst(), type: x.type)
        communicator.gather(
            UnsafeRawBufferPointer(start: own.cpu.bytes, count: own.storedBytes),
            into: UnsafeMutableRawBufferPointer(start: all.cpu.bytes, count: all.storedBytes))
        return all
    }

    func beginSum(_ tensors: [Tensor]) {
        let size = tensors.reduce(0) { $0 + $1.storedCount }, padded = (size + count - 1) / count * count
        nonisolated(unsafe) let sums = memory(of: padded)
        var parts: [Part] = []
        var place = 0
        for tensor in tensors {
            parts.append(Part(values: tensor.floats, count: tensor.storedCount, place: place))
            (sums + place).update(from: tensor.floats, count: tensor.storedCount)
            place += tensor.storedCount
        }
        (sums + size).update(repeating: 0, count: padded - size)
        waiting += tensors
        communicator.beginSum(UnsafeMutableBufferPointer(start: sums, count: padded)) { [parts] in
            for part in parts { part.values.update(from: sums + part.place, count: part.count) }
        }
    }

    /// Where a tensor's values lie, and where in the sums.
    private struct Part: @unchecked Sendable {
        // Unchecked: nobody touches the tensor before the sums are finished.
        let values: UnsafeMutablePointer<Float>
        let count: Int
        let place: Int
    }

    func finishSums() {
        communicator.finishSums()
        for tensor in waiting { tensor.cpu.version += 1 }
        waiting = []
        for (count, memory) in used { spare[count, default: []].append(memory) }
        used = []
    }

    private func memory(of count: Int) -> UnsafeMutablePointer<Float> {
        let memory = spare[count]?.popLast() ?? .allocate(capacity: count)
        used.append((count, memory))
        return memory
    }
}

extension CPUBackend {
    package func ranks(over communicator: any Communicator) -> any Ranks { CPURanks(communicator, on: self) }
}
