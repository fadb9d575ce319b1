import ArgumentParser
import HLCommand

/// A program with one of each kind of declaration.
struct Bakery: Tool {
    static let configuration = describe("hl-bake", "Bake loaves.", discussion: "Of flour and water.")
    static let examples = ["hl-bake -n 3 rye.txt"]

    @Argument(help: ArgumentHelp("Recipe. (path)", valueName: "file"), completion: .file())
    var recipe = "-"

    @Option(name: .shortAndLong, help: ArgumentHelp("Where the bread goes. (path)", valueName: "file"))
    var output: String

    @Option(name: [.customShort("n"), .long], help: ArgumentHelp("Loaves. (integer from 1)", valueName: "n"))
    var count = 12

    @Option(help: ArgumentHelp("Change of the heat. More is darker. (number)", valueName: "x"))
    var heatChange = 0.0

    @Option(help: ArgumentHelp("Flour.", valueName: "kind"))
    var flour = Flour.wheat

    @Option(help: ArgumentHelp("Seeds on top. (default: none)", valueName: "kind"))
    var seeds: Flour?

    @Flag(name: .shortAndLong, help: "Slowly.")
    var slow = false

    @Flag(inversion: .prefixedNo, help: "Sprinkle salt.")
    var salt = true

    @OptionGroup(title: "Common options") var shared: SharedOptions

    enum Flour: String, CaseIterable, ExpressibleByArgument { case wheat, rye, spelt }

    static var description: CommandDescription { CommandDescription(Self.self) }

    func run() throws {}
}
