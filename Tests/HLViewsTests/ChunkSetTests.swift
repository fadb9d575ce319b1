import HLTensor
import HLViews
import Testing

struct ChunkSetTests {
    @Test(arguments: [
        ("0", [0], "0"), ("1-5", [1, 2, 3, 4, 5], "1-5"), ("0,2-4", [0, 2, 3, 4], "0,2-4"),
        ("4,2,3,0", [0, 2, 3, 4], "0,2-4"), ("3-3", [3], "3"), ("0,1", [0, 1], "0-1"),
    ])
    func parses(text: String, indices: [Int], canonical: String) throws {
        let chunks = try ChunkSet(parsing: text, count: 6)
        #expect(chunks.indices == indices)
        #expect(chunks.text == canonical)
        #expect(try ChunkSet(parsing: chunks.text) == chunks)
    }

    @Test(arguments: [
        "", ",", "1,", ",1", "-1", "1-", "-", "5-1", "1-2-3", "a", "1.5", " 1", "+1", "0x1", "1,1", "1-3,2",
        "99999999999999999999", "0-999999999999", "４",
    ])
    func refuses(text: String) {
        let failure = #expect(throws: Failure.self) { try ChunkSet(parsing: text) }
        #expect(failure?.kind == .usage)
        #expect(failure?.remedy.isEmpty == false)
    }

    @Test func refusesChunksThatTheLatentLacks() throws {
        let failure = #expect(throws: Failure.self) { try ChunkSet(parsing: "1-6", count: 6) }
        #expect(failure?.kind == .usage)
        #expect(failure?.what == "chunk 6 is out of range: the latent has 6 chunks")
        #expect(throws: Failure.self) { try ChunkSet(parsing: "1", count: 1) }
        #expect(throws: Never.self) { try ChunkSet(parsing: "5").validate(count: 6) }
    }

    @Test func makesSets() {
        #expect(ChunkSet(all: 6).text == "0-5")
        #expect(ChunkSet(3).indices == [3])
    }
}
