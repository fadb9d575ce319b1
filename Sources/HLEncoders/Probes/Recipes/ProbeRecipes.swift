/// The recipes that this version knows; the first one counts where none is named. One more is a file of its own and one
/// more entry.
package enum ProbeRecipes {
    package static let all: [ProbeRecipe] = [.paper, .copGen, .laterCode, .lbfgs, .ridge]

    /// Their names, for help and messages: `paper, … or …`.
    package static var names: String {
        let names = all.map(\.name)
        return names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
    }

    package static subscript(name: String) -> ProbeRecipe? { all.first { $0.name == name } }
}
