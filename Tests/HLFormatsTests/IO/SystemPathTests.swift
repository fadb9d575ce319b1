import HLFormats
import Testing

@Suite struct SystemPathTests {
    @Test func whatIsNotUTF8IsShownEscaped() {
        #expect(SystemPath("a/ö b").text == "a/ö b" && SystemPath("a/ö b").shown == "a/ö b")
        let latin = SystemPath(bytes: [0x61, 0xE9, 0x62, 0xC3, 0xA9, 0xFF])
        #expect(latin.text == #"a\xE9bé\xFF"# && latin.shown == latin.text)
        #expect(latin.bytes.count == 6)
        // Half a character, and bytes that continue none.
        #expect(SystemPath(bytes: [0xE2, 0x82]).text == #"\xE2\x82"#)
        #expect(SystemPath(bytes: [0x80, 0x41]).text == #"\x80A"#)
        #expect(SystemPath(bytes: [0xF0, 0x9F, 0x90, 0x9F, 0x80]).text == "\u{1F41F}\\x80")
    }

    /// A message stays on its line and does nothing to the terminal.
    @Test func controlCharactersAreShownEscaped() {
        let path = SystemPath("a\nb\u{1B}[31m\u{85}c")
        #expect(path.text == "a\nb\u{1B}[31m\u{85}c")
        #expect(path.shown == #"a\u000ab\u001b[31m\u0085c"#)
    }

    @Test func namesAreOrderedAndEndLikeBytes() {
        #expect(SystemPath("B") < SystemPath("a") && SystemPath("a") < SystemPath("é"))
        #expect(SystemPath("2019 b") < SystemPath("2019/a"))
        #expect(SystemPath("a.JpG").hasEnding([".jpg"]) && SystemPath(".png").hasEnding([".png"]))
        #expect(!SystemPath("ajpg").hasEnding([".jpg"]) && !SystemPath("g").hasEnding([".jpg"]))
        #expect((SystemPath("a") / SystemPath("b")).text == "a/b")
    }
}
