import Glibc
import HLFormats
import HLTensor

/// Records of many runs, as they lie in folders.
package struct RunRecords: Sendable {
    package struct Entry: Sendable {
        /// The record's file.
        package let path: String
        package let record: RunRecord

        /// The record's file without its ending, which is the output's name.
        package var name: String {
            path.hasSuffix(RunRecordFile.ending) ? String(path.dropLast(RunRecordFile.ending.count)) : path
        }

        /// The folder that it lies in.
        package var folder: String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }
    }

    package let entries: [Entry]
    /// What is wrong with files that are named like records and are none that can be read.
    package let problems: [String]

    init(_ entries: [Entry], problems: [String]) {
        self.entries = entries
        self.problems = problems
    }

    /// - Parameters:
    ///   - paths: folders, with all that is in them but hidden ones; records; or outputs that have a record.
    ///   - withCurves: whether the curves are wanted, which are most of a record.
    ///   - threads: how many records are read at a time.
    /// - Throws: `Failure(.noInput)` for a path that is none of these.
    package init(_ paths: [String], withCurves: Bool, threads: Int) throws {
        let files = try paths.flatMap(Self.files)
        var results = [Result<Entry, Failure>?](repeating: nil, count: files.count)
        results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results
            inParallel(files.count, parts: threads) { part in
                for index in part { results[index] = Self.entry(files[index], withCurves) }
            }
        }
        entries = results.compactMap { try? $0?.get() }
        problems = results.compactMap { if case .failure(let failure) = $0 { failure.what } else { nil } }
        // One file that is named is worth an error.
        if files.count == 1, entries.isEmpty, case .failure(let failure) = results[0] { throw failure }
    }

    private static func entry(_ path: String, _ withCurves: Bool) -> Result<Entry, Failure> {
        do {
            return .success(Entry(path: path, record: try RunRecordFile.read(path, withCurves: withCurves)))
        } catch let failure as Failure {
            return .failure(failure)
        } catch {
            return .failure(Failure(.software, "\(path): \(error)", "report this defect"))
        }
    }

    private static func files(_ path: String) throws -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else {
            // The output of a run that was cut is not there yet.
            if access(path + RunRecordFile.ending, F_OK) == 0 { return [path + RunRecordFile.ending] }
            throw Failure(
                .noInput, "cannot read \(path) (\(String(cString: strerror(errno))))", Failure.remedy(forPath: path))
        }
        if status.st_mode & S_IFMT == S_IFDIR {
            var found: [String] = []
            let top = SystemPath(path)
            try walk(top, above: DirectoryIdentity.above(top), &found)
            return path == "." ? found.map { String($0.dropFirst(2)) } : found
        }
        if path.hasSuffix(RunRecordFile.ending) { return [path] }
        return [access(path + RunRecordFile.ending, F_OK) == 0 ? path + RunRecordFile.ending : path]
    }

    /// - Parameter above: the folders that this one lies in, which a link back into them does not make endless.
    private static func walk(_ folder: SystemPath, above: [DirectoryIdentity], _ found: inout [String]) throws {
        let directory = try Directory(folder)
        for file in directory.files where file.hasEnding([RunRecordFile.ending]) { found.append((folder / file).text) }
        guard !directory.folders.isEmpty, let own = DirectoryIdentity(folder) else { return }
        for name in directory.folders {
            guard let next = DirectoryIdentity(folder / name), !(above + [own]).contains(next) else { continue }
            // A folder that nobody may look into hides no others.
            try? walk(folder / name, above: above + [own], &found)
        }
    }
}
