import HLCommand
import HLTensor
import Testing

/// What is said where a command line is not taken.
struct ComplaintTests {
    /// By the real parser.
    private func complaint(_ line: String) throws -> String {
        do {
            _ = try Bakery.parseAsRoot(line.split(separator: " ").map(String.init))
            return ""
        } catch {
            let failure = Complaint(Bakery.description).failure(Bakery.message(for: error))
            #expect(failure.kind == .usage)
            return failure.description
        }
    }

    @Test(
        arguments: [
            ("-o a --count x", "the value 'x' is invalid for '--count <n>': give an integer from 1"),
            ("-o a -n 3.5", "the value '3.5' is invalid for '-n <n>': give an integer from 1"),
            ("-o a --flour oats", "the value 'oats' is invalid for '--flour <kind>': give wheat, rye or spelt"),
            ("-o a --seeds oats", "the value 'oats' is invalid for '--seeds <kind>': give wheat, rye or spelt"),
            ("-o a --heat-change", "there is no value for '--heat-change <x>': give a number"),
            ("-o a -n", "there is no value for '-n, --count <n>': give an integer from 1"),
            ("-o", "there is no value for '-o, --output <file>': give a path"),
            ("-o a --heat 5", "unknown option '--heat': did you mean --heat-change?"),
            ("-o a --hc=5", "unknown option '--hc': did you mean --heat-change?"),
            ("-o a --cuont 5", "unknown option '--cuont': did you mean --count?"),
            ("-o a --s", "unknown option '--s': see 'hl-bake --help'"),
            ("-o a --se rye", "unknown option '--se': did you mean --seeds?"),
            ("-o a --butter", "unknown option '--butter': see 'hl-bake --help'"),
            ("-o a -x", "unknown option '-x': see 'hl-bake --help'"),
            ("-o a b c", "unexpected argument 'c': see 'hl-bake --help'"),
        ])
    func words(line: String, expected: String) throws { #expect(try complaint(line) == expected) }

    @Test func severalMayHaveBeenMeant() {
        #expect(Complaint(Bakery.description).alternatives(to: "--sl") == ["--slow"])
        #expect(Complaint(Bakery.description).alternatives(to: "--sa") == ["--salt"])
        #expect(Complaint(Bakery.description).alternatives(to: "-output") == ["--output"])
        #expect(Complaint(Bakery.description).alternatives(to: "--ver") == ["--verbose", "--version"])
    }
}
