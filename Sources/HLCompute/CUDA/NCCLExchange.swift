import CCUDA
import HLTensor

/// NCCL between the cards of the processes that a communicator connects: it tells them how to find each other.
final class NCCLExchange: DeviceExchange {
    private let exchange: OpaquePointer
    /// Closed after the exchange.
    private let owner: AnyObject

    /// - Parameters:
    ///   - device: as C has it. NCCL's library must be open.
    ///   - owner: who closes it, once nobody keeps it.
    /// - Throws: `Failure` (software) where they do not find each other, as two processes on one card.
    init(over communicator: any Communicator, on device: OpaquePointer, of owner: AnyObject) throws(Failure) {
        try Self.check(hl_cuda_nccl_load())
        var id = [CChar](repeating: 0, count: Int(HL_CUDA_EXCHANGE_ID))
        let problem = communicator.rank == 0 ? hl_cuda_exchange_id(&id) : nil
        // All ranks gather, whatever has happened to the first.
        var all = [UInt8](repeating: 0, count: id.count * communicator.count)
        id.withUnsafeBytes { own in all.withUnsafeMutableBytes { communicator.gather(own, into: $0) } }
        try Self.check(problem)
        let first = all.prefix(id.count).map { CChar(bitPattern: $0) }
        var message = [CChar](repeating: 0, count: 512)
        guard
            let exchange = hl_cuda_exchange_open(
                device, Int32(communicator.rank), Int32(communicator.count), first, &message, message.count)
        else {
            throw Self.failure(message.withUnsafeBufferPointer { String(cString: $0.baseAddress!) })
        }
        self.exchange = exchange
        self.owner = owner
    }

    deinit { hl_cuda_exchange_close(exchange) }

    func gather(_ own: UnsafeRawPointer, into all: UnsafeMutableRawPointer, byteCount: Int) throws(Failure) {
        try Self.check(hl_cuda_exchange_gather(exchange, own, all, byteCount))
    }

    func beginSum(_ values: [UnsafeMutableBufferPointer<Float>]) throws(Failure) {
        var places = values.map { $0.baseAddress }
        try Self.check(hl_cuda_exchange_sum(exchange, &places, values.map(\.count), values.count))
    }

    func finishSums() throws(Failure) { try Self.check(hl_cuda_exchange_finish(exchange)) }

    private static func check(_ problem: UnsafePointer<CChar>?) throws(Failure) {
        if let problem { throw failure(String(cString: problem)) }
    }

    private static func failure(_ what: String) -> Failure {
        Failure(.software, "the cards of the ranks cannot exchange (\(what))", "give every rank a card of its own")
    }
}
