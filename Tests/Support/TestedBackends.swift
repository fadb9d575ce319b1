import EmulatedCUDA
import HLCompute
import HLTensor

/// A backend that tests run on: one of this build, or that of a card on a device which is none.
package struct TestedBackend: Sendable, Hashable, CustomStringConvertible {
    /// As messages of tests have it.
    package let name: String
    private let choice: BackendChoice?

    private init(_ choice: BackendChoice) {
        name = choice.name
        self.choice = choice
    }

    private init(emulated name: String) {
        self.name = name
        choice = nil
    }

    package static let plain = TestedBackend(BackendChoice.plain)
    package static let oneDNN = TestedBackend(BackendChoice.oneDNN)
    /// The fastest that needs no card, for tests of what stands on a backend: one card serves no two ranks.
    package static let fastest = processors.last ?? plain
    /// `CUDABackend` on `EmulatedDevice`.
    package static let emulated = TestedBackend(emulated: "emulated")
    /// The same without a library of convolutions, its threads and blocks in reverse.
    package static let emulatedBackwards = TestedBackend(emulated: "emulated, backwards")

    package var description: String { name }

    /// A backend of its own, with so many threads in all.
    package func make(threads: Int) throws -> any Backend {
        guard let choice else {
            let isBackwards = self == .emulatedBackwards
            return CUDABackend(on: EmulatedDevice(convolves: !isBackwards, isBackwards: isBackwards), threads: threads)
        }
        return try choice.make(threads: threads)
    }

    /// One of this build by its name, or an emulated one.
    package static func named(_ name: String) -> TestedBackend? {
        [emulated, emulatedBackwards].first { $0.name == name } ?? BackendChoice(name).map(TestedBackend.init)
    }

    fileprivate static let processors = [BackendChoice.plain, .oneDNN].filter { choice in
        Backends.all.contains { $0.name == choice.name && $0.isBuilt }
    }.map(TestedBackend.init)
}

/// The backends of this build, the reference first.
package var testedBackends: [TestedBackend] { TestedBackend.processors + [.emulated] }

/// The same for what is tested operation by operation.
package var allTestedBackends: [TestedBackend] { testedBackends + [.emulatedBackwards] }
