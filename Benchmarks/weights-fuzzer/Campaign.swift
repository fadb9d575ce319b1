import Glibc
import HLFormats
import HLTensor

/// Cases to try: number `first` and those behind it, each a file made of the given ones.
struct Campaign: Sendable {
    let cases: Int
    let seed: UInt64
    let first: Int
    let files: [String]
    /// Where files of findings go.
    let folder: String
    /// What is in the files.
    private let contents: [[UInt8]]

    init(cases: Int, seed: UInt64, first: Int, files: [String], folder: String) throws {
        self.cases = cases
        self.seed = seed
        self.first = first
        self.files = files
        self.folder = folder
        contents = try files.map { path in
            let source = try FileDescriptorSource(path: path)
            var info = stat()
            stat(path, &info)
            let buffer = HostBuffer(count: Int(info.st_size))
            var filled = 0
            while filled < buffer.count {
                let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[filled...]))
                if count == 0 { break }
                filled += count
            }
            return Array(buffer.bytes)
        }
    }

    /// Writes the file of a case.
    func save(_ number: Int, to path: String) {
        let bytes = Mutation.apply(case: number, seed: seed, to: contents)
        guard let file = fopen(path, "wb") else { fatalError("cannot write \(path)") }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}

/// Prints a line at once, also into a pipe.
func report(_ line: String) {
    print(line)
    fflush(nil)
}
