import HLFormats
import HLTensor
import Testing

@Suite struct JSONTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: text, name: "text") }

    @Test func readsEveryKindOfValue() throws {
        let value = try parse(
            """
             { "a" : [ 1 , -2.5e3, true,false , null ], "b":{}, "c":[],
             "d": "q\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00é😀" }
            """)
        #expect(value["a"] == [1, -2500.0, true, false, .null])
        #expect(value["b"] == [:])
        #expect(value["c"] == [])
        #expect(value["d"]?.string == "q\"\\/\u{8}\u{c}\n\r\té😀é😀")
        #expect(value.object?.members.map(\.key) == ["a", "b", "c", "d"])
    }

    @Test func keepsIntegersExactly() throws {
        #expect(try parse("9223372036854775807").integer == .max)
        #expect(try parse("-9223372036854775808").integer == .min)
        #expect(try parse("9007199254740993").integer == 9_007_199_254_740_993)
        #expect(try parse("9223372036854775808") == .number(0x1p63))
        #expect(try parse("-0").number?.sign == .minus)
        #expect(try parse("1.0") == .number(1))
        #expect(try parse("[0,0.1,1E+2,1e-2]") == [0, 0.1, 100.0, 0.01])
    }

    @Test(arguments: [
        "", " ", "{", "[", "\"", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[1 2]", "01", "-", "1.", ".5", "1e",
        "+1", "0x1", "NaN", "Infinity", "1e999", "tru", "nulll", "'a'", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
        "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\u{1}\"", "\"a\nb\"", "{\"a\":1,\"a\":2}", "{} x", "{a:1}", "[1]]",
        "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"c\":1}", "\u{feff}1",
    ])
    func refuses(_ text: String) {
        expectFailure(.data, "not valid JSON") { _ = try parse(text) }
    }

    @Test func refusesTextThatIsNotUTF8() {
        for text: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] {
            text.withUnsafeBytes { bytes in
                expectFailure(.data) { _ = try JSONValue(parsing: bytes, name: "text") }
            }
        }
    }

    @Test func limitsTheDepth() throws {
        _ = try parse(String(repeating: "[", count: 60) + String(repeating: "]", count: 60))
        expectFailure(.data, "levels") { _ = try parse(String(repeating: "[", count: 1_000_000)) }
        expectFailure(.data, "levels") { _ = try parse(String(repeating: "{\"a\":", count: 1_000_000)) }
    }

    @Test func writesWhatItReads() throws {
        let text = #"{"a":[1,-2,0.1,1e+300,5e-324,true,null],"b":{"c":"\"\\\n\u0001é😀"},"d":[],"e":{}}"#
        #expect(try parse(text).text == text)
        #expect(try parse(parse(text).indentedText) == parse(text))
        #expect(JSONValue.number(2).text == "2.0")
        #expect(JSONValue.array([.number(.infinity), .number(.nan)]).text == "[null,null]")
    }

    @Test func objectsKeepTheirOrderAndCompareWithoutIt() {
        var object: JSONObject = ["b": 1, "a": 2]
        object["c"] = 3
        object["b"] = 4
        #expect(JSONValue.object(object).text == #"{"b":4,"a":2,"c":3}"#)
        object["a"] = nil
        #expect(object == ["c": 3, "b": 4])
        #expect(object != ["c": 3])
        #expect(JSONValue.integer(1) != .number(1))
    }

    @Test func everyCutIsRefused() throws {
        let text = #"{"a":[1,{"b":"\u00e9\\"},-1.5e3],"c":null}"#
        for count in 0..<text.utf8.count {
            #expect(throws: Failure.self) { try parse(String(decoding: text.utf8.prefix(count), as: UTF8.self)) }
        }
    }

    /// A member that is passed over may hold anything in brackets, and its end is found behind strings with brackets too.
    @Test func aMemberIsPassedOver() throws {
        func parsed(_ text: String) throws -> JSONValue {
            try Array(text.utf8).withUnsafeBytes { try JSONValue(parsing: $0, name: "text", without: "long") }
        }
        let text = #"{"a": 1, "long": {"x": [1, 2, {"y": "}]\"}"}], "long": []}, "b": {"long": [3]}}"#
        #expect(try parsed(text) == ["a": 1, "b": ["long": [3]]])
        #expect(try parsed(#"{"long": 3, "b": 2}"#) == ["b": 2])
        for damaged in [#"{"long": [1, 2"#, #"{"long": {"a": "b}"#, #"{"long": [1]"#, #"{"long": x}"#] {
            #expect(throws: Failure.self, "\(damaged)") { try parsed(damaged) }
        }
    }
}
