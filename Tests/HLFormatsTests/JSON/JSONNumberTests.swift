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
    /// Shares times 100, some of which have a last digit too many.
    @Test func percentagesHaveNoDigitsOfTheArithmetic() {
        let texts: [(share: Double, text: String)] = [
            (0.1395, "13.95"), (0.28, "28.0"), (0.57, "57.0"), (0, "0.0"), (1, "100.0"), (.nan, "null"),
        ]
        for (share, text) in texts { #expect(JSONValue.percent(100 * share).text == text) }
        #expect(JSONValue.percent(100.0 / 3).text == "33.3333333333")
    }

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

    @Test func numbersThatJSONCannotSay() {
        let good: JSONValue = ["a": [1, 2.5, .null], "b": ["c": "text"]]
        #expect(good.isFinite)
        for bad in [Double.nan, .infinity, -.infinity] {
            let value: JSONValue = ["a": [1, .number(bad)]]
            #expect(!value.isFinite && !JSONValue.object(["b": value]).isFinite)
        }
    }
}
