import HLCommand
import Testing

struct HelpTextTests {
    private var text: String { HelpText(Bakery.description, of: [Bakery.description]).text(width: 80) }

    /// What the program has of its own comes before what all have.
    @Test func sectionsInOrder() {
        let headings = text.split(separator: "\n").filter { $0.first?.isUppercase ?? false && $0.contains(":") }
        #expect(
            headings == [
                "OVERVIEW: Bake loaves.", "USAGE: hl-bake --output <file> [<options>] [<file>]", "ARGUMENTS:",
                "OPTIONS:", "COMMON OPTIONS:", "EXAMPLES:",
            ])
        #expect(text.hasSuffix("EXAMPLES:\n  hl-bake -n 3 rye.txt\n"))
    }

    @Test func valuesAndDefaultsAreSaidOnce() {
        for line in [
            "  -n, --count <n>         Loaves. (integer from 1; default: 12)",
            "  --flour <kind>          Flour. (wheat, rye or spelt; default: wheat)",
            "  --seeds <kind>          Seeds on top. (wheat, rye or spelt; default: none)",
            "  --salt, --no-salt       Sprinkle salt. (default: --salt)",
            "  -s, --slow              Slowly.",
            "  -o, --output <file>     Where the bread goes. (path)",
            "  --heat-change <x>       Change of the heat. More is darker. (number; default:\n"
                + "                          0.0)",
        ] { #expect(text.contains(line + "\n"), "\(line)") }
    }

    @Test(arguments: [60, 80, 120]) func linesAreNoLonger(width: Int) {
        let text = HelpText(Bakery.description, of: [Bakery.description]).text(width: width)
        #expect(text.split(separator: "\n").allSatisfy { $0.count < width })
    }
}
