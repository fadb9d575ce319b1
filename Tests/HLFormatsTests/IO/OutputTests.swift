import Foundation
import Glibc
import HLFormats
import HLTensor
import Testing

@Suite struct OutputTests {
    private func write(_ text: String, to sink: any ByteSink) throws {
        try Array(text.utf8).withUnsafeBytes { try sink.write($0) }
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    private func names(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func theFileAppearsWhenItIsComplete() throws {
        try StreamFixtures.inFolder { folder in
            let path = folder + "/a"
            let file = try OutputFile(path: path)
            try write("one", to: file)
            #expect(access(path, F_OK) != 0)
            try file.commit()
            try file.commit()
            #expect(try text(path) == "one" && names(folder) == ["a"])
            expectFailure(.software) { try write("more", to: file) }

            // Replaces only on commit, and keeps the permissions.
            chmod(path, 0o600)
            do {
                let next = try OutputFile(path: path)
                try write("two", to: next)
                next.abandon()
                #expect(try text(path) == "one" && names(folder) == ["a"])
                let lost = try OutputFile(path: path)
                try write("three", to: lost)
            }
            #expect(try text(path) == "one" && names(folder) == ["a"])
            let last = try OutputFile(path: path)
            try write("four", to: last)
            try last.commit()
            var status = stat()
            #expect(try text(path) == "four" && stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    /// Of several processes with one command line one alone writes its file, whoever comes when.
    @Test func claimedFilesHaveOneWriter() throws {
        try StreamFixtures.inFolder { folder in
            let path = folder + "/a"
            let first = try OutputFile(path: path, isClaimed: true)
            try write("one", to: first)
            expectFailure(.cannotCreate) { _ = try OutputFile(path: path, isClaimed: true) }
            // The one that is refused takes nothing from the other.
            #expect(try names(folder) == [".hl-a.tmp"])
            let other = try OutputFile(path: folder + "/b", isClaimed: true)
            try other.commit()
            try first.commit()
            expectFailure(.cannotCreate) { _ = try OutputFile(path: path, isClaimed: true) }
            #expect(try text(path) == "one" && names(folder) == ["a", "b"])
            // What is given up is free again.
            unlink(path)
            try OutputFile(path: path, isClaimed: true).abandon()
            try OutputFile(path: path, isClaimed: true).commit()
            #expect(try names(folder) == ["a", "b"])
            try OutputFile(path: "/dev/null", isClaimed: true).commit()
        }
    }

    @Test func linksAreFollowed() throws {
        try StreamFixtures.inFolder { folder in
            try Data("old".utf8).write(to: URL(fileURLWithPath: folder + "/real"))
            symlink("real", folder + "/link")
            let file = try OutputFile(path: folder + "/link")
            try write("new", to: file)
            try file.commit()
            #expect(try text(folder + "/real") == "new" && names(folder) == ["link", "real"])
        }
    }

    @Test func whatCannotBeCreated() throws {
        try StreamFixtures.inFolder { folder in
            expectFailure(.cannotCreate) { _ = try OutputFile(path: folder + "/missing/a") }
            expectFailure(.cannotCreate, "directory") { _ = try OutputFile(path: folder) }
            expectFailure(.cannotCreate) { _ = try OutputFile(path: "") }
        }
    }

    @Test func devicesAreWrittenInPlace() throws {
        let null = try OutputFile(path: "/dev/null")
        try write("x", to: null)
        try null.commit()
        var status = stat()
        #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    }

    @Test(.enabled(if: access("/dev/full", W_OK) == 0))
    func aFullDiskIsAFailure() throws {
        let file = try OutputFile(path: "/dev/full")
        expectFailure(.inputOutput, "No space left on device") { try write("x", to: file) }
        let descriptor = open("/dev/full", O_WRONLY)
        let writer = try StreamWriter(
            FileDescriptorSink(descriptor: descriptor, name: "stdout"), level: 3, seekable: false)
        expectFailure(.inputOutput, "cannot write stdout") { try writer.writeHeader(StreamFixtures.header()) }
        expectFailure(.software) { try writer.finish() }
        close(descriptor)
    }

    @Test func aReaderThatStopsIsNoFailure() throws {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        let sink = FileDescriptorSink(descriptor: ends[1], name: "stdout")
        #expect(throws: BrokenPipe.self) { try write("x", to: sink) }
        try sink.close()
        try sink.close()
    }

    @Test func closingReportsErrors() {
        let sink = FileDescriptorSink(descriptor: 1 << 20, name: "stdout")
        expectFailure(.inputOutput) { try sink.close() }
    }

    @Test func aStreamThroughARealPipe() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let output = ends[1]
        let batches = 50
        let thread = Thread {
            let sink = FileDescriptorSink(descriptor: output, name: "stdout")
            do {
                let writer = try StreamWriter(sink, level: -5, seekable: false)
                try writer.writeHeader(StreamFixtures.header())
                for index in 0..<batches { try writer.write(try StreamFixtures.batch(index * 1000, 1000)) }
                try writer.finish()
            } catch {
                Issue.record(error)
            }
            try? sink.close()
        }
        thread.start()
        let source = FileDescriptorSource(descriptor: ends[0], name: "stdin", closing: true)
        let reader = try StreamReader(source, name: "stdin")
        #expect(try StreamFixtures.ids(reader) == (0..<Int64(batches * 1000)).map { $0 })
    }

    @Test func wholeFilesAndPipesAreRead() throws {
        try StreamFixtures.inFolder { folder in
            let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
            let path = folder + "/a"
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(try FileDescriptorSource(path: path).readAll().withBytes(Array.init) == bytes)
            try Data().write(to: URL(fileURLWithPath: path))
            #expect(try FileDescriptorSource(path: path).readAll().count == 0)
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            let output = ends[1]
            let thread = Thread {
                try? bytes.withUnsafeBytes { try writeAll($0, to: output, name: "pipe") }
                close(output)
            }
            thread.start()
            let source = FileDescriptorSource(descriptor: ends[0], name: "stdin", closing: true)
            #expect(try source.readAll().withBytes(Array.init) == bytes)
        }
    }
}
