import HLFormats
import HLTensor
import Testing

@Suite struct JSONNumberTests {
    @Test func floatsAreWrittenAsTheyWereMeant() {
        for (value, text) in [
            (0.9, "0.9"), (1e-4, "0.0001"), (8e-5, "8e-05"), (30, "30.0"), (0, "0.0"), (-0.125, "-0.125"),
            (.infinity, "null"), (.nan, "null"),
        ] as [(Float, String)] {
            #expect(JSONValue.float(value).text == text)
        }
    }

    /// The shortest text leads back to the same bits.
    @Test func floatsReadBackAsThemselves() throws {
        var random = RandomKey(seed: 1, purpose: .mixing).sequence(id: 0)
        for _ in 0..<20_000 {
            let value = Float(bitPattern: random.nextWord())
            guard value.isFinite else { continue }
            let read = try #require(try JSONValue(parsing: JSONValue.float(value).text, name: "text").number)
            #expect(Float(read).bitPattern == value.bitPattern)
        }
    }

    @Test func seedsAreNumbersWhereReadersKeepTheirDigits() {
        #expect(JSONValue.seed(0) == .integer(0))
        #expect(JSONValue.seed(1 << 63 - 1).text == "9223372036854775807")
        #expect(JSONValue.seed(.max) == .string("18446744073709551615"))
    }
}
