import CCUDA
import HLTensor

/// NCCL between the cards of the processes that a communicator connects: it tells them how to find each other.
final class NCCLExchange: DeviceExchange {
    private let exchange: OpaquePointer
    /// Closed after the exchange.
    private let owner: AnyObject

    /// - Parameters:
    ///   - device: as C has it.
    ///   - owner: who closes it, once nobody keeps it.
    ///   - problem: why this rank cannot, where it cannot: all are told before anybody waits for it.
    /// - Throws: `Failure` (software) where one of them cannot, or where they do not find each other.
    init(
        over communicator: any Communicator, on device: OpaquePointer, of owner: AnyObject, unless problem: Failure?
    ) throws(Failure) {
        var problem = problem, id = [CChar](repeating: 0, count: Int(HL_CUDA_EXCHANGE_ID))
        if problem == nil, let reason = hl_cuda_nccl_load() { problem = Self.failure(String(cString: reason)) }
        if problem == nil, communicator.rank == 0, let reason = hl_cuda_exchange_id(&id) {
            problem = Self.failure(String(cString: reason))
        }
        let own = [problem == nil ? 1 : 0] + id.map { UInt8(bitPattern: $0) }
        var all = [UInt8](repeating: 0, count: own.count * communicator.count)
        own.withUnsafeBytes { own in all.withUnsafeMutableBytes { communicator.gather(own, into: $0) } }
        if let problem { throw problem }
        if let other = (0..<communicator.count).first(where: { all[$0 * own.count] == 0 }) {
            throw Self.failure("rank \(other) cannot")
        }
        let first = all[1..<own.count].map { CChar(bitPattern: $0) }
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
        Failure(
            .software, "the cards of the ranks cannot exchange (\(what))",
            "give every rank a card of its own, or use --backend onednn or plain")
    }
}
