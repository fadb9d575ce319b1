import HLFormats
import Testing

struct PrintableTests {
    @Test(
        arguments: [
            ("plain, with ~ and \"quotes\"", "plain, with ~ and \"quotes\""), ("two\nlines", "two\nlines"),
            ("z⁰ … δ ± 日本 é 🙂", "z⁰ … δ ± 日本 é 🙂"), ("", ""),
            ("\u{1B}[2J", "\\u001b[2J"), ("a\rb\tc\u{8}", "a\\u000db\\u0009c\\u0008"), ("\u{7F}", "\\u007f"),
            // C1, which some terminals obey, and marks that turn the direction.
            ("\u{9B}31m", "\\u009b31m"), ("a\u{202E}b\u{2066}c", "a\\u202eb\\u2066c"), ("\u{2028}", "\\u2028"),
        ])
    func controlCharactersAreWrittenOut(text: String, expected: String) { #expect(printable(text) == expected) }
}
