import Glibc
import HLTensor

/// Notices ranks of this machine that are gone, which MPI libraries do not: they wait for them for ever.
///
/// Only processes of the same start of the same machine are looked at, and within the same container, where numbers of
/// processes mean the same.
struct PeerWatch {
    private let peers: [(rank: Int, process: pid_t)]
    private var last: UInt64 = 0

    /// Nanoseconds between two looks, and before the first.
    private static let interval: UInt64 = 250_000_000

    /// - Parameter gather: tells the others of a rank's words, and it of theirs.
    init(_ count: Int, _ rank: Int, _ gather: ([UInt64]) -> [[UInt64]]) {
        var place = StableHash(Self.text(of: "/proc/sys/kernel/random/boot_id"))
        place.add(Self.target(of: "/proc/self/ns/pid"))
        let isKnown = access("/proc/self/ns/pid", F_OK) == 0
        let all = gather([isKnown ? place.value : 0, UInt64(getpid())])
        peers = all.enumerated().filter { $0.offset != rank && isKnown && $0.element[0] == place.value }
            .map { ($0.offset, pid_t($0.element[1])) }
    }

    /// A rank that is gone, looked for from time to time.
    /// - Parameters: nanoseconds of one clock: now, and when waiting began.
    mutating func lost(at now: UInt64, since: UInt64) -> Int? {
        guard now - max(since, last) > Self.interval else { return nil }
        last = now
        return peers.first { kill($0.process, 0) != 0 && errno == ESRCH }?.rank
    }

    private static func target(of link: String) -> String {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = readlink(link, &bytes, bytes.count - 1)
        return count > 0 ? String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : ""
    }

    private static func text(of path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
