import Glibc
import HLFormats
import HLTensor

/// Records as files.
package enum RunRecordFile {
    /// What the name of a record ends in, behind the whole name of the output that it stands beside.
    package static let ending = ".run.json"

    /// Bytes of the largest file that is taken for a record: one of ours has some tens of thousands.
    private static let limit = 1 << 24

    /// - Parameter withCurves: whether the curves are wanted, which are most of a record.
    /// - Throws: `Failure`: noInput, data or incompatible.
    package static func read(_ path: String, withCurves: Bool) throws -> RunRecord {
        let bytes = try FileDescriptorSource(path: path).read(atMost: limit)
        return try bytes.withUnsafeBytes { bytes in
            let json = try JSONValue(
                parsing: bytes, name: path, without: withCurves ? nil : RunRecord.curvesKey)
            return try RunRecord(json, name: path)
        }
    }

    /// Puts a record in the place of the last one.
    /// - Parameter isLasting: whether it has to survive a crash of the machine.
    static func write(_ record: RunRecord, to path: String, isLasting: Bool) throws {
        try OutputFile.write(Array((record.json.indentedText + "\n").utf8), to: path, isLasting: isLasting)
    }
}

extension FileDescriptorSource {
    /// The whole of a small file.
    /// - Throws: also `Failure(.data)` for one of more bytes.
    fileprivate func read(atMost limit: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1 << 14), filled = 0
        while true {
            if filled == bytes.count { bytes += [UInt8](repeating: 0, count: bytes.count) }
            let count = try bytes.withUnsafeMutableBytes { try read(into: .init(rebasing: $0[filled...])) }
            if count == 0 { break }
            filled += count
            if filled > limit { throw Failure(.data, "\(name) is too large for a record of a run", "leave it out") }
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }
}
