import Glibc
import HLFormats
import HLTensor
import Testing

@Suite struct StreamTests {
    private typealias Fixtures = StreamFixtures

    @Test func roundTripsEverything() throws {
        let reader = try Fixtures.reader(Fixtures.stream([4, 0, 3]))
        let header = reader.header
        #expect(header.version == 1 && header.generator?["name"] == "shapes" && header.data == nil)
        #expect(header.latent == ["std": 1.0] && header.metadata == ["x.note": "kept"])
        let entry = try #require(header.history.first)
        #expect(entry.tool == "hl-sample" && entry.version == "0.1" && entry.seed == 3)
        #expect(entry.arguments == ["-n", "7"])
        let first = try #require(try reader.next())
        #expect(Fixtures.describe(first) == Fixtures.describe(try Fixtures.batch(0, 4)))
        let second = try #require(try reader.next())
        #expect(Fixtures.describe(second) == Fixtures.describe(try Fixtures.batch(4, 3)))
        #expect(try reader.next() == nil && reader.samplesRead == 7)
        #expect(try reader.next() == nil)
    }

    @Test func aStreamWithoutSamplesIsValid() throws {
        #expect(try Fixtures.content(Fixtures.stream([])).count == 1)
        #expect(try Fixtures.content(Fixtures.stream([0])).count == 1)
    }

    @Test func sameInputSameBytes() throws {
        #expect(try Fixtures.stream([4, 3], seekable: true) == Fixtures.stream([4, 3], seekable: true))
    }

    @Test func unknownPartsOfHistoryAndHeaderAreCarriedAlong() throws {
        let file = TensorFile(metadata: [
            "hl.kind": "header", "hl.version": "1.7", "hl.future": "x", "hl.generator": #"{"b":1,"a":[2]}"#,
            "hl.history": #"[{"tool":"t","colour":"red","seed":"18446744073709551615"}]"#,
        ])
        let header = try StreamHeader(file, name: "x")
        #expect(header.version == 1 && header.history[0].seed == .max)
        let again = header.appending(history: HistoryEntry(tool: "hl-x", version: "2", arguments: [], seed: .max))
        #expect(again.file.metadata["hl.future"] == "x")
        #expect(again.file.metadata["hl.generator"] == #"{"b":1,"a":[2]}"#)
        let history = try #require(again.file.metadata["hl.history"])
        #expect(
            history == #"[{"tool":"t","colour":"red","seed":"18446744073709551615"},"#
                + #"{"tool":"hl-x","version":"2","arguments":[],"seed":"18446744073709551615"}]"#)
    }

    @Test func everyCutIsAFailure() throws {
        let whole = try Fixtures.stream([2, 1])
        for count in whole.indices {
            expectFailure(.data) { _ = try Fixtures.content(Array(whole[..<count])) }
        }
    }

    @Test func everyCutOfASeekableStreamButBeforeItsTableIsAFailure() throws {
        let whole = try Fixtures.stream([2, 1], seekable: true)
        let plain = try Fixtures.stream([2, 1]).count
        for count in whole.indices where count != plain {
            expectFailure(.data) { _ = try Fixtures.content(Array(whole[..<count])) }
        }
        #expect(try Fixtures.content(Array(whole[..<plain])) == Fixtures.content(whole))
    }

    /// Some bits of a zstd frame mean nothing (RFC 8878 has reserved ones) or have a twin that decodes to the same
    /// bytes, so a flip may go unnoticed; what is read is the same then.
    @Test func everyFlippedBitIsAFailureOrHarmless() throws {
        let skip = Fixtures.skippable([1, 2, 3, 4])
        for level in [-5, 3] {
            let whole = try skip + Fixtures.stream([2, 1], level: level) + skip
            let content = try Fixtures.content(whole)
            var failures = 0
            for position in 0..<whole.count * 8 {
                var bytes = whole
                bytes[position / 8] ^= 1 << (position % 8)
                do {
                    let read = try Fixtures.content(bytes)
                    #expect(read == content, "bit \(position)")
                } catch is Failure {
                    failures += 1
                }
            }
            #expect(failures > whole.count * 7, "level \(level)")
        }
    }

    @Test func afterAFailureEveryCallFails() throws {
        let reader = try Fixtures.reader(Array(Fixtures.stream([2, 1]).dropLast(3)))
        while let more = try? reader.next() { _ = more }
        for _ in 0..<3 { expectFailure(.data, "after 3 samples") { _ = try reader.next() } }
    }

    @Test func joinedStreamsAreOneStream() throws {
        let a = try Fixtures.stream([4, 3], seekable: true)
        let b = try Fixtures.stream([2], first: 7)
        let reader = try Fixtures.reader(a + b + Fixtures.stream([]))
        #expect(try Fixtures.ids(reader) == Array(0..<9))
        for count in (a.count + 1)..<(a.count + b.count) {
            expectFailure(.data) { _ = try Fixtures.content(Array((a + b)[..<count])) }
        }
    }

    @Test func streamsThatDoNotMatchAreIncompatible() throws {
        let a = try Fixtures.stream([2])
        let other = try Fixtures.stream([2], header: Fixtures.header("bigbigan"))
        expectFailure(.incompatible, "generators") { _ = try Fixtures.content(a + other) }
        let data = try Fixtures.stream([2], header: StreamHeader(data: ["name": "cifar10"]))
        expectFailure(.incompatible) { _ = try Fixtures.content(a + data) }

        let sink = MemorySink()
        let writer = try StreamWriter(sink, level: 3, seekable: false)
        try writer.writeHeader(Fixtures.header())
        var tensors = try Fixtures.batch(0, 2).tensors
        tensors["q"] = nil
        try writer.write(try Batch(tensors))
        try writer.finish()
        expectFailure(.incompatible, "q is missing") { _ = try Fixtures.content(a + sink.bytes) }
        #expect(try Fixtures.content(sink.bytes).count == 2)
    }

    @Test func recordsOutOfOrderAreRefused() throws {
        let header = try Fixtures.frame(StreamRecord.header(Fixtures.header()).file)
        let batch = try Fixtures.frame(StreamRecord.batch(Fixtures.batch(0, 2)).file)
        func end(_ batches: Int, _ samples: Int) throws -> [UInt8] {
            try Fixtures.frame(StreamRecord.end(batches: batches, samples: samples).file)
        }
        #expect(try Fixtures.content(header + batch + end(1, 2)).count == 2)
        for bytes in try [
            batch + end(1, 2), end(0, 0), header + header + end(0, 0), header + batch + end(1, 3),
            header + batch + end(2, 2), header + batch + batch + end(1, 2), header + end(0, 0) + batch + end(1, 2),
            header + end(0, 0) + end(0, 0), header + batch, header,
        ] {
            expectFailure(.data) { _ = try Fixtures.content(bytes) }
        }
    }

    @Test func versionsAndKindsFromTheFuture() throws {
        for version in ["2", "10.1"] {
            let bytes = try Fixtures.frame(TensorFile(metadata: ["hl.kind": "header", "hl.version": version]))
            expectFailure(.incompatible, "version \(version)") { _ = try Fixtures.reader(bytes) }
        }
        for version in ["", "x", "-"] {
            let bytes = try Fixtures.frame(TensorFile(metadata: ["hl.kind": "header", "hl.version": version]))
            expectFailure(.data) { _ = try Fixtures.reader(bytes) }
        }
        let unknown = try Fixtures.frame(TensorFile(metadata: ["hl.kind": "index"]))
        expectFailure(.incompatible, "unknown kind") { _ = try Fixtures.reader(unknown) }
        expectFailure(.data, "not a stream") { _ = try Fixtures.reader(Fixtures.frame(TensorFile())) }
        for history in ["{}", "[1]", "["] {
            let metadata = ["hl.kind": "header", "hl.version": "1", "hl.history": history]
            let bytes = try Fixtures.frame(TensorFile(metadata: metadata))
            expectFailure(.data, "hl.history") { _ = try Fixtures.reader(bytes) }
        }
    }

    @Test func inputThatIsNoStreamIsNamed() {
        expectFailure(.data, "stdin is empty: the program before it in the pipe failed: see its message") {
            _ = try Fixtures.reader([])
        }
        expectFailure(.data, #"stdin is not a stream (it starts with the text "id,z"#) {
            _ = try Fixtures.reader(Array("id,z\n1,2\n".utf8))
        }
        expectFailure(.data, "stdin is a PNG picture, not a stream") {
            _ = try Fixtures.reader([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        }
        expectFailure(.data, "not a stream") { _ = try Fixtures.reader([0x61]) }
        expectFailure(.data, "safetensors") { _ = try Fixtures.reader(Fixtures.frame(Array("hello".utf8))) }
        expectFailure(.noInput) { _ = try StreamReader(path: "/nonexistent/x.hls") }
        expectFailure(.noInput, "directory") { _ = try StreamReader(path: "/tmp") }
    }

    @Test func readsAStreamThatOthersWrote() throws {
        let reader = try StreamReader(path: StreamFixtures.path("foreign.hls"))
        #expect(reader.header.generator == ["name": "foreign"] && reader.header.history.isEmpty)
        let batch = try #require(try reader.next())
        #expect(batch.ids?.integers == [0, 1, 2, 3])
        #expect(try batch.require("z.0", .f32, rank: 3).floats == (0..<24).map { Float($0) / 4 - 3 })
        #expect(try reader.next()?.count == 1)
        #expect(try reader.next() == nil)
        expectFailure(.data, "without a checksum") {
            _ = try StreamReader(path: StreamFixtures.path("no_checksum.hls"))
        }
    }

    @Test func batchesSayWhatIsMissing() throws {
        let batch = try Fixtures.batch(0, 3)
        #expect(batch.count == 3 && batch.ids?.integers == [0, 1, 2])
        #expect(try batch.require("z.0", .f32, rank: 3).shape == [3, 2, 3])
        expectFailure(.data, "the stream has no x.0 (images)") { _ = try batch.require("x.0", .u8, rank: 4) }
        expectFailure(.data, "hl-perturb") { _ = try batch.require("z.1", .f32, rank: 3) }
        expectFailure(.data, "F32 of rank 3, not F32 of rank 2") { _ = try batch.require("z.0", .f32, rank: 2) }
        expectFailure(.data) { _ = try Batch([:]) }
        expectFailure(.data) { _ = try Batch(["a": HostTensor([1] as [Float], shape: [])]) }
        expectFailure(.data, "b has 1 rows where a has 2") {
            _ = try Batch([
                "a": HostTensor([1, 2] as [Float], shape: [2]), "b": HostTensor([1] as [Float], shape: [1]),
            ])
        }
        #expect(batch.rows(1..<3).ids?.integers == [1, 2])
        #expect(batch.gather([2, 0, 2]).ids?.integers == [2, 0, 2])
    }

    @Test(arguments: [[4, 3, 1, 1, 6], [15], [1, 14], [0, 15, 0], [7, 8]], [1, 2, 4, 5, 15, 100])
    func regrouping(_ sizes: [Int], _ n: Int) throws {
        let regrouper = BatchRegrouper(try Fixtures.reader(Fixtures.stream(sizes)))
        var first = 0
        while let batch = try regrouper.nextBatch(of: n) {
            #expect(batch.count == min(n, 15 - first))
            let expected = try Fixtures.batch(first, batch.count)
            for (name, tensor) in expected.tensors {
                #expect(
                    batch.tensors[name]?.withUnsafeBytes(Array.init) == tensor.withUnsafeBytes(Array.init))
            }
            first += batch.count
        }
        #expect(first == 15)
        #expect(try regrouper.nextBatch(of: n) == nil)
    }

    @Test func regroupingSharesMemoryWithinARecord() throws {
        let reader = try Fixtures.reader(Fixtures.stream([8]))
        let regrouper = BatchRegrouper(reader)
        let parts = try (0..<2).map { _ in try #require(try regrouper.nextBatch(of: 4)) }
        let starts = try parts.map { part in
            try #require(part.tensors["z.0"]).withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
        }
        #expect(starts[1] - starts[0] == 4 * 6 * 4)
    }

    @Test func regroupingPassesFailuresOn() throws {
        let bytes = try Fixtures.stream([4, 4]).dropLast(1)
        let regrouper = BatchRegrouper(try Fixtures.reader(Array(bytes)))
        expectFailure(.data, "after 8 samples") { while try regrouper.nextBatch(of: 3) != nil {} }
    }

    @Test func theWriterKeepsToTheOrder() throws {
        func writer() throws -> StreamWriter { try StreamWriter(MemorySink(), level: 3, seekable: true) }
        expectFailure(.software) { try writer().finish() }
        expectFailure(.software) { try writer().write(try Fixtures.batch(0, 1)) }
        let twice = try writer()
        try twice.writeHeader(Fixtures.header())
        expectFailure(.software) { try twice.writeHeader(Fixtures.header()) }
        try twice.write(try Fixtures.batch(0, 1))
        expectFailure(.software, "tensors") {
            try twice.write(try Batch(["id": HostTensor([1] as [Int64], shape: [1])]))
        }
        expectFailure(.software) { try twice.finish() }
    }

    @Test func noEndRecordAfterAFailure() throws {
        final class FullDisk: ByteSink {
            var isFull = false
            var bytes: [UInt8] = []
            func write(_ bytes: UnsafeRawBufferPointer) throws {
                if isFull { throw Failure(.inputOutput, "full", "free some space") }
                self.bytes += bytes
            }
        }
        let sink = FullDisk()
        let writer = try StreamWriter(sink, level: 3, seekable: true)
        try writer.writeHeader(Fixtures.header())
        sink.isFull = true
        expectFailure(.inputOutput) { try writer.write(try Fixtures.batch(0, 1)) }
        sink.isFull = false
        expectFailure(.software) { try writer.finish() }
        expectFailure(.data) { _ = try Fixtures.content(sink.bytes) }
    }
}
