import ArgumentParser
import HLCompute
import HLTensor

extension BackendChoice: ExpressibleByArgument {
    package init?(argument: String) { self.init(argument) }

    package static var allValueStrings: [String] { Backends.names }

    /// For options that are nil where nobody asks.
    /// - Throws: `Failure(.usage)` for a name that no backend has.
    package static func parsed(_ text: String) throws -> BackendChoice {
        if let choice = BackendChoice(text) { return choice }
        throw Failure(
            .usage, "there is no backend '\(text)'", "choose one of \(Backends.forms.joined(separator: ", "))")
    }

    /// `auto, cuda[:N], onednn or plain`, for help.
    package static let list: String = {
        let names = Backends.forms
        return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    }()
}

extension Precision: ExpressibleByArgument {}
extension PrecisionChoice: ExpressibleByArgument {}

/// In which precision networks compute.
package struct PrecisionOption: ParsableArguments, Sendable {
    @Option(
        help: ArgumentHelp(
            "Type of activations in networks; auto is bf16 where that is faster. (f32, tf32, bf16 or auto)",
            valueName: "type"))
    package var precision = PrecisionChoice.f32

    package init() {}

    /// - Throws: `Failure` (usage) where the backend has none of it.
    package func resolved(on backend: any Backend) throws(Failure) -> Precision {
        try precision.precision(on: backend)
    }
}

/// What a program computes with.
package struct BackendOption: ParsableArguments, Sendable {
    @Option(help: ArgumentHelp("Library for the layers. (\(BackendChoice.list))", valueName: "name"))
    package var backend = BackendChoice.automatic

    package init() {}

    /// The process's backend, not made yet.
    package func onDemand(_ shared: SharedOptions) -> BackendOnDemand {
        BackendOnDemand(backend, threads: shared.threads)
    }
}

/// The one backend of a process, made when it is first asked for: a program that turns out to need none loads no
/// library.
package final class BackendOnDemand {
    private let choice: BackendChoice
    private let threads: Int
    private var made: (any Backend)?

    /// - Parameter threads: threads in all, 0 for one per core.
    package init(_ choice: BackendChoice, threads: Int) {
        self.choice = choice
        self.threads = threads
    }

    /// The backend, the same one every time.
    /// - Throws: as `BackendChoice.make`.
    package func callAsFunction() throws -> any Backend {
        if let made { return made }
        let backend = try choice.make(threads: threads)
        Recording.tell(backend: backend.summary)
        made = backend
        return backend
    }
}
