import HLTensor
import Testing

@Suite struct StableHashTests {
    /// RFC 9923, test vectors of FNV-1a, 64 bits.
    @Test(
        arguments: [
            ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8),
        ] as [(String, UInt64)])
    func publishedAnswers(text: String, value: UInt64) { #expect(StableHash(text).value == value) }

    @Test func piecesMakeNoDifferenceAndWordsAreParts() {
        var whole = StableHash("foo")
        whole.add("bar")
        #expect(whole.value == StableHash("foobar").value)
        var bytes = StableHash()
        Array("foobar".utf8).withUnsafeBytes { bytes.add($0) }
        #expect(bytes.value == whole.value)
        // A word that fits a byte is that byte.
        var words = StableHash()
        Array("foobar".utf8).map(UInt32.init).withUnsafeBufferPointer { words.add(words: $0) }
        #expect(words.value == whole.value)
    }
}
