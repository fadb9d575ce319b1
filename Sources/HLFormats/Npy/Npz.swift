import HLTensor

/// NumPy's archives of arrays, .npz, as numpy.savez writes them
/// (https://numpy.org/doc/stable/reference/generated/numpy.savez.html): a .npy file for each array.
package struct Npz {
    private let archive: ZipArchive
    private let file: String

    /// - Parameter name: of the file, for messages.
    /// - Throws: `Failure` (data).
    package init(_ buffer: HostBuffer, name: String) throws {
        file = name
        do {
            archive = try ZipArchive(
                ByteSlice(owner: buffer, start: UnsafeRawPointer(buffer.pointer), count: buffer.count))
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(name): \(failure.what)", failure.remedy)
        }
    }

    /// The arrays' names, in order; empty where the archive holds something else.
    package var names: [String] {
        let entries = archive.names
        guard entries.allSatisfy({ $0.hasSuffix(Self.ending) }) else { return [] }
        return entries.map { String($0.dropLast(Self.ending.count)) }
    }

    private static let ending = ".npy"

    /// An array in its own type; nil where there is none of that name. The others are not looked at.
    /// - Throws: `Failure` (data) for one that is compressed or damaged, or that holds no numbers.
    package func array(_ name: String) throws -> HostTensor? {
        let entry = name + Self.ending
        guard archive.has(entry) else { return nil }
        do {
            guard let payload = try archive.payload(entry) else { return nil }
            let buffer = HostBuffer(count: payload.count)
            payload.withUnsafeBytes { buffer.bytes.copyMemory(from: $0) }
            return try Npy.decode(buffer, name: "the array '\(name)'")
        } catch let failure as Failure {
            throw Failure(failure.kind, "\(file): \(failure.what)", failure.remedy)
        }
    }
}
