import ArgumentParser
import HLCommand
import HLEncoders
import HLTensor

/// Options of recipes by logistic regression.
struct RegressionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Stream to choose the penalty on; - is standard input. (path; default: a share of the train set)",
            valueName: "file"), completion: .file())
    var validation: String?

    @Option(
        help: ArgumentHelp(
            "Share of each class's train samples to choose the penalty on. (number between 0 and 1; default: 0.2)",
            valueName: "x"))
    var validationShare: Double?

    @Option(
        help: ArgumentHelp(
            "Penalties lambda = 1/C to choose from, with commas between them; one is taken as it is. (numbers above 0; "
                + "default: 45 log-spaced from 1e-6 to 1e5)", valueName: "x,..."))
    var penalty: String?

    @Option(
        help: ArgumentHelp(
            """
            Largest entry of the gradient, and largest share that the last step lowered the objective by, at which a fit \
            has converged. (number above 0; default: 0.0001)
            """,
            valueName: "x"))
    var tolerance: Double?

    @Option(
        help: ArgumentHelp("Steps of L-BFGS a fit. (integer from 1 to 1000000; default: 1000)", valueName: "n"))
    var iterations: Int?

    @Option(
        help: ArgumentHelp(
            "Also learn from so many samples of each class, with commas between them, drawn by seed. (integers from 1)",
            valueName: "n,..."))
    var shots: String?

    /// The first of them that was given.
    var given: String? {
        if validation != nil { return "--validation" }
        if validationShare != nil { return "--validation-share" }
        if penalty != nil { return "--penalty" }
        if tolerance != nil { return "--tolerance" }
        if iterations != nil { return "--iterations" }
        return shots != nil ? "--shots" : nil
    }

    func validate() throws {
        if let share = validationShare {
            try check(
                share > 0 && share < 1, "cannot choose on \(share) of the samples", "give a share between 0 and 1")
            try check(
                validation == nil, "--validation-share contradicts --validation", "give one of them")
        }
        if let tolerance {
            try check(
                tolerance > 0 && tolerance.isFinite, "tolerance \(tolerance) is out of range",
                "give --tolerance above 0")
        }
        if let iterations {
            try check(
                (1...1_000_000).contains(iterations), "cannot take \(iterations) steps",
                "give --iterations from 1 to 1000000")
        }
        _ = try penalties()
        _ = try shotCounts()
    }

    /// Ascending; nil where none was given.
    func penalties() throws -> [Double]? {
        try penalty.map { text in
            try numbers(text) { part in
                guard let value = Double(part), (1e-30...1e30).contains(value) else {
                    throw refuse(
                        "'\(part)' is no penalty", "give numbers from 1e-30 to 1e30, such as --penalty 0.01,1,100")
                }
                return value
            }
        }
    }

    /// Ascending; none where none was given.
    func shotCounts() throws -> [Int] {
        try shots.map { text in
            try numbers(text) { part in
                guard let value = Int(part), value > 0 else {
                    throw refuse("cannot learn from '\(part)' samples", "give whole numbers, such as --shots 1,5,10")
                }
                return value
            }
        } ?? []
    }

    private func numbers<Number: Comparable & Hashable>(
        _ text: String, _ parse: (String) throws -> Number
    ) throws -> [Number] {
        Array(Set(try text.split(separator: ",", omittingEmptySubsequences: false).map { try parse(String($0)) }))
            .sorted()
    }

    /// A recipe's settings, but for what was given.
    func search(_ recipe: ProbeRecipe.Regression) throws -> PenaltySearch {
        var search = recipe.search
        search.penalties = try penalties() ?? search.penalties
        search.solver.tolerance = tolerance ?? search.solver.tolerance
        search.solver.improvement = search.solver.tolerance
        search.solver.iterationLimit = iterations ?? search.solver.iterationLimit
        return search
    }
}
