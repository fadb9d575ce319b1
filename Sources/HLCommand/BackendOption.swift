import ArgumentParser
import HLCompute
import HLTensor

extension BackendChoice: ExpressibleByArgument {}

/// What a program computes with.
package struct BackendOption: ParsableArguments, Sendable {
    @Option(help: ArgumentHelp("Library for the layers. (auto, onednn or plain)", valueName: "name"))
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
        made = backend
        return backend
    }
}
