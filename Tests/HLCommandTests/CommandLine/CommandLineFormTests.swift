import HLCommand
import Testing

/// What people and getopt write becomes what the parser reads.
struct CommandLineFormTests {
    private static let cases: [(String, String)] = [
        // Values that hang on a short option, also behind flags.
        ("-n3", "-n=3"), ("-n 3", "-n=3"), ("-n=3", "-n=3"), ("-obread", "-o=bread"), ("-o-", "-o=-"),
        ("-sn3", "-s -n=3"), ("-sq", "-s -q"), ("-sn 3", "-s -n=3"), ("-oa=b", "-o=a=b"),
        // Numbers below 0 behind their option.
        ("--heat-change -0.5", "--heat-change=-0.5"), ("--heat-change -.5e1", "--heat-change=-.5e1"),
        ("--heat-change -inf", "--heat-change=-inf"), ("-n -5", "-n=-5"), ("-n-5", "-n=-5"),
        // But no option is taken for a value.
        ("--heat-change -s", "--heat-change -s"), ("-n --slow", "-n --slow"), ("-o -", "-o=-"), ("-n", "-n"),
        // Whole numbers with units; other numbers stay.
        ("-n 2k", "-n=2000"), ("--count=1M", "--count=1000000"), ("-n 1e4", "-n=10000"), ("-n 2.5M", "-n=2500000"),
        ("--heat-change 1e2", "--heat-change=1e2"), ("-o 5k", "-o=5k"), ("-n 1.2345k", "-n=1.2345k"),
        // What the parser has to judge, and what is none of its business.
        ("-x3", "-x3"), ("-sx", "-sx"), ("--unknown=3 -1", "--unknown=3 -1"),
        ("a -- -n3 --count=1k", "a -- -n3 --count=1k"),
        ("--slow=3", "--slow=3"), ("- a", "- a"),
    ]

    @Test(arguments: cases) func words(line: String, expected: String) {
        let form = CommandLineForm(Bakery.description)
        #expect(
            form.normalised(line.split(separator: " ").map(String.init))
                == expected.split(separator: " ").map(String.init))
    }

    @Test func emptyValuesStayValues() {
        let form = CommandLineForm(Bakery.description)
        #expect(form.normalised(["--output=", "a"]) == ["--output", "", "a"])
        #expect(form.normalised(["--output", "", "a"]) == ["--output", "", "a"])
        #expect(form.normalised(["-o", "", "a"]) == ["-o", "", "a"])
    }

    @Test(arguments: [
        ["-n3"], ["-n", "-5"], ["-n", "1k"], ["--count=1e3"], ["--output="], ["--heat-change", "-inf"],
    ])
    func isNoticed(line: [String]) { #expect(CommandLineForm.isNeeded(line)) }

    @Test(arguments: [[], ["-n", "3", "--heat-change", "0.5", "-o", "-", "--flour=rye", "file"]] as [[String]])
    func plainLinesAreNotLookedAt(line: [String]) { #expect(!CommandLineForm.isNeeded(line)) }

    @Test(
        arguments: [
            ("1k", "1000"), ("1K", "1000"), ("10M", "10000000"), ("3G", "3000000000"), ("1e0", "1"), ("1.50e2", "150"),
            ("0.001k", "1"), ("-2k", "-2000"), ("0k", "0"), ("007k", "7000"), ("9G", "9000000000"),
        ])
    func units(text: String, digits: String) { #expect(wholeNumber(text) == digits) }

    @Test(arguments: [
        "", "k", "12", "1.5", "1e", "e3", "1e-3", "1e99", "1.5e0", "0.0001k", "1kk", "1 k", "1x", "٣k", "--1k",
    ])
    func noUnits(text: String) { #expect(wholeNumber(text) == nil) }
}
