import HLFormats
import HLTensor
import Testing

struct XMLTests {
    private func parsed(_ bytes: [UInt8]) throws -> XMLElement {
        try bytes.withUnsafeBytes { try XMLElement(parsing: $0, name: "a.xml") }
    }

    private func parsed(_ text: String) throws -> XMLElement { try parsed(Array(text.utf8)) }

    private func refusal(_ text: String) -> Failure? { refusal(Array(text.utf8)) }

    private func refusal(_ bytes: [UInt8]) -> Failure? {
        do { _ = try parsed(bytes) } catch { return error as? Failure }
        return nil
    }

    @Test func elements() throws {
        let root = try parsed(
            """
            \u{FEFF}<?xml version="1.0" encoding='UTF-8'?>
            <!-- a <comment> -->
            <annotation verified = "yes" other='>"'>
              text <a>1</a>\t<b/> more <a x="1" />
              <!-- <a>2</a> --><?pi <a>3</a>?><c>&lt;&#65;&#x42;&amp;é</c ><d><![CDATA[ <e>&amp;</e> ]]></d>
            </annotation>
            <!-- end -->

            """)
        #expect(root.name == "annotation" && root.elements.map(\.name) == ["a", "b", "a", "c", "d"])
        #expect(root.text.hasPrefix("text ") && root.text.hasSuffix(" more"))
        #expect(root["a"]?.text == "1" && root["b"]?.text == "" && root["none"] == nil)
        #expect(root["c"]?.text == "<AB&é" && root["d"]?.text == "<e>&amp;</e>" && root["d"]?.elements.isEmpty == true)
        #expect(root.elements[2].text.isEmpty)
    }

    @Test func refusals() throws {
        for (text, reason) in [
            ("", "no element"), ("text", "no element"), ("<a>", "no end of <a>"), ("<a></b>", "another element"),
            ("<a/><b/>", "text behind"), ("<a x></a>", "without a value"), ("<a x=1/>", "without a value"),
            ("<a x='1/>", "behind this"), ("<a><!-- </a>", "behind this"), ("<a>&lt</a>", "entity"),
            ("<a>&large;</a>", "entity"), ("<a>&#xD800;</a>", "number of a character"),
            ("<a>&#99999999999999999999;</a>", "number of a character"), ("<a>&#0;</a>", "number of a character"),
            ("<a>&#x41</a>", "number of a character"), ("< a/>", "no name"), ("<a", "without an end"),
            ("<a/", "without an end"), ("<a></a", "without an end"), ("<a><![CDATA[x</a>", "behind this"),
            ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "document type"),
        ] {
            let failure = try #require(refusal(text), "\(text)")
            #expect(failure.kind == .data && failure.what.contains(reason), "\(text): \(failure.what)")
        }
        #expect(refusal(Array("<a>".utf8) + [0xC3, 0x28] + Array("</a>".utf8))?.what.contains("UTF-8") == true)
    }

    @Test func depth() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "<a>", count: levels) + String(repeating: "</a>", count: levels)
        }
        #expect(try parsed(nested(64)).name == "a")
        #expect(refusal(nested(65))?.what.contains("64 levels") == true)
        #expect(refusal(String(repeating: "<a>", count: 1 << 20))?.what.contains("64 levels") == true)
    }
}
