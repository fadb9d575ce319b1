import Glibc
import HLFormats
import HLTensor

/// Cases of a format to try: number `first` and those behind it, each a file made of the given ones.
struct Campaign: Sendable {
    let format: any FuzzedFormat
    let cases: Int
    let seed: UInt64
    let first: Int
    let files: [String]
    /// Where files of findings go.
    let folder: String
    /// What is in the files.
    private let contents: [[UInt8]]

    init(
        _ format: any FuzzedFormat, cases: Int, seed: UInt64, first: Int, files: [String], folder: String
    ) throws {
        self.format = format
        self.cases = cases
        self.seed = seed
        self.first = first
        self.files = files
        self.folder = folder
        contents = try files.map { try FileDescriptorSource(path: $0).readAll().withBytes(Array.init) }
    }

    /// Writes the file of a case.
    func save(_ number: Int, to path: String) throws {
        var damage = Damage(case: number, seed: seed)
        let bytes = try format.damaged(&damage, contents)
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
