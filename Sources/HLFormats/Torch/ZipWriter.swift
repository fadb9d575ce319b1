import CZlib
import HLTensor

/// Writes a zip archive as torch.save does: entries are stored, not compressed, and payloads begin at multiples of 64
/// bytes, by padding in their local headers, so that they can be mapped (PyTorch's caffe2/serialize/inline_container.cc).
/// The same entries give the same bytes: there are no times.
struct ZipWriter {
    private static let alignment = 64
    /// 1 January 1980, midnight: the first day that the format knows.
    private static let date: UInt32 = 0x0021_0000

    private let sink: any ByteSink
    private var position = 0
    private var directory = OutputPieces()
    private var entryCount = 0

    init(_ sink: any ByteSink) { self.sink = sink }

    /// - Throws: `Failure` (incompatible) beyond what the plain form holds; `BrokenPipe`, or `Failure` (inputOutput).
    mutating func add(_ name: String, _ payload: OutputPieces) throws {
        let header = 30 + name.utf8.count + 4
        let padding = (Self.alignment - (position + header) % Self.alignment) % Self.alignment
        guard position + header + padding + payload.count < Int(UInt32.max), entryCount < Int(UInt16.max) else {
            throw Failure(
                .incompatible, "the weights take more than the 4 GiB of a zip archive", "name a .safetensors file")
        }
        var checksum = crc32(0, nil, 0)
        // No bytes at no address would begin anew.
        payload.forEachPiece { piece in
            guard !piece.isEmpty else { return }
            checksum = crc32_z(checksum, piece.bindMemory(to: UInt8.self).baseAddress, piece.count)
        }
        // What the local header and the directory both say: from the version that it takes to the length of the name.
        var common = OutputPieces()
        for field in [10, 1 << 11, 0] as [UInt16] { common.append(littleEndian: field) }
        common.append(littleEndian: Self.date)
        for field in [UInt32(checksum), UInt32(payload.count), UInt32(payload.count)] {
            common.append(littleEndian: field)
        }
        common.append(littleEndian: UInt16(name.utf8.count))

        directory.append(littleEndian: UInt32(0x0201_4b50))
        directory.append(littleEndian: UInt16(10))
        directory.append(common)
        // No extra field, no comment, first disk, no attributes.
        directory.append([UInt8](repeating: 0, count: 12))
        directory.append(littleEndian: UInt32(position))
        directory.append(name)
        entryCount += 1

        var local = OutputPieces()
        local.append(littleEndian: UInt32(0x0403_4b50))
        local.append(common)
        local.append(littleEndian: UInt16(4 + padding))
        local.append(name)
        local.append("FB")
        local.append(littleEndian: UInt16(padding))
        local.append(repeatElement(UInt8(ascii: "Z"), count: padding))
        try write(local)
        try write(payload)
    }

    /// Writes the directory.
    /// - Throws: as `add`.
    mutating func finish() throws {
        var end = OutputPieces()
        end.append(littleEndian: UInt32(0x0605_4b50))
        end.append(littleEndian: UInt32(0))
        end.append(littleEndian: UInt16(entryCount))
        end.append(littleEndian: UInt16(entryCount))
        end.append(littleEndian: UInt32(directory.count))
        end.append(littleEndian: UInt32(position))
        end.append(littleEndian: UInt16(0))
        try write(directory)
        try write(end)
    }

    private mutating func write(_ pieces: OutputPieces) throws {
        try pieces.forEachPiece { try sink.write($0) }
        position += pieces.count
    }
}
