import Glibc
import HLTensor

/// An event file of TensorBoard: scalars over steps, as records of TFRecord files (length, masked CRC32C of it, an Event of
/// tensorflow/core/util/event.proto, masked CRC32C of that).
///
/// Every record is written at once and whole, so that a TensorBoard that watches the folder shows it, and a run that is
/// killed leaves a file that reads.
package final class TensorBoardEvents {
    /// The file.
    package let path: String
    private let descriptor: Int32
    private let now: () -> Double

    /// Makes the folder, where it is missing, and a new file in it, as TensorBoard wants one for every start of a program.
    ///
    /// - Parameters:
    ///   - step: the step that a resumed run goes on behind; events of later steps, of a run that was killed, are taken out of
    ///     sight. 0 begins anew.
    ///   - now: seconds since 1970.
    /// - Throws: `Failure` (cannotCreate, inputOutput).
    package init(folder: String, resumingAfter step: Int, now: @escaping () -> Double = TensorBoardEvents.clock) throws
    {
        func refuse(_ what: String) -> Failure {
            Failure(.cannotCreate, "cannot write \(what) (\(String(cString: strerror(errno))))", "name another folder")
        }
        if mkdir(folder, 0o777) != 0 && errno != EEXIST { throw refuse(folder) }
        var host = [CChar](repeating: 0, count: 256)
        _ = gethostname(&host, host.count - 1)
        let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = "\(folder)/events.out.tfevents.\(Int(now())).\(name).\(getpid()).0"
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        self.now = now
        guard descriptor >= 0 else { throw refuse(path) }
        var first = ProtobufMessage()
        first.add(1, now())
        first.add(3, "brain.Event:2")
        try write(first)
        // A session's start: TensorBoard forgets what an earlier run in this folder logged of steps from here on.
        var session = ProtobufMessage()
        session.add(1, 1 as Int)
        var event = ProtobufMessage()
        event.add(1, now())
        event.add(2, step + 1)
        event.add(7, session)
        try write(event)
    }

    deinit { close(descriptor) }

    /// Seconds since 1970.
    package static func clock() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Values of a step by their tags.
    /// - Throws: `Failure` (inputOutput).
    package func add(_ values: [(tag: String, value: Double)], step: Int) throws {
        guard !values.isEmpty else { return }
        var summary = ProtobufMessage()
        for (tag, value) in values {
            var entry = ProtobufMessage()
            entry.add(1, tag)
            entry.add(2, Float(value))
            summary.add(1, entry)
        }
        var event = ProtobufMessage()
        event.add(1, now())
        event.add(2, step)
        event.add(5, summary)
        try write(event)
    }

    private func write(_ event: ProtobufMessage) throws {
        var content: [UInt8] = []
        event.pieces.forEachPiece { content.append(contentsOf: $0) }
        func little(_ value: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: value.littleEndian) { Array($0) }
        }
        let length = little(UInt64(content.count))
        let record = length + little(CRC32C.masked(length)) + content + little(CRC32C.masked(content))
        try record.withUnsafeBytes { try writeAll($0, to: descriptor, name: path) }
    }
}
