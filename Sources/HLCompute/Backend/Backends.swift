import HLTensor

/// A backend by its name: what `--backend` takes, what it is, and how it is made.
package struct BackendDescription: Sendable {
    /// As `--backend` has it.
    package let name: String
    /// What it stands for, for messages and `--version`.
    package let title: String
    /// Makes one with so many threads in all, 0 for one per core; nil where this build does not have it.
    let make: (@Sendable (_ threads: Int) throws(Failure) -> any Backend)?
    /// What to do where this build does not have it.
    let remedy: String

    /// Whether this build has it. Whether its libraries are there shows when one is made.
    package var isBuilt: Bool { make != nil }
}

/// The backends that this version knows. One more is one more entry.
package enum Backends {
    /// From the fastest to the plainest: without a choice the first one that this build has is taken.
    package static let all: [BackendDescription] = [oneDNN, plain]

    /// The fast CPU form: oneDNN's convolutions, Winograd's where it wins, on activations that stay in the blocked layout
    /// from layer to layer.
    private static var oneDNN: BackendDescription {
        #if HL_ONEDNN
            let make: @Sendable (Int) throws(Failure) -> any Backend = { threads throws(Failure) in
                try CPUBackend.oneDNN(threads: threads)
            }
        #else
            let make: (@Sendable (Int) throws(Failure) -> any Backend)? = nil
        #endif
        return BackendDescription(
            name: "onednn", title: "oneDNN", make: make,
            remedy: "install its headers (libdnnl-dev) and build again, or use plain")
    }

    /// OpenBLAS alone.
    private static let plain = BackendDescription(
        name: "plain", title: "OpenBLAS alone",
        make: { threads throws(Failure) in try CPUBackend.plain(threads: threads) }, remedy: "")

    /// The names, with that of no choice first, for help and messages.
    package static var names: [String] { [BackendChoice.automatic.name] + all.map(\.name) }
}

/// Which backend to take.
package struct BackendChoice: Sendable, Hashable, CustomStringConvertible {
    /// One of `Backends.names`.
    package let name: String

    private init(known name: String) { self.name = name }

    /// - Parameter name: nil for one that no backend has.
    package init?(_ name: String) {
        guard Backends.names.contains(name) else { return nil }
        self.name = name
    }

    /// The first backend that this build has.
    package static let automatic = BackendChoice(known: "auto")
    /// The reference, which every build has.
    package static let plain = BackendChoice(known: "plain")
    /// oneDNN's.
    package static let oneDNN = BackendChoice(known: "onednn")

    /// The name.
    package var description: String { name }

    /// - Parameter threads: threads in all, 0 for one per core.
    /// - Throws: `Failure` when the libraries cannot be loaded, or when this build has no such backend.
    package func make(threads: Int = 0) throws(Failure) -> any Backend {
        let candidates = self == .automatic ? Backends.all.filter(\.isBuilt) : Backends.all.filter { $0.name == name }
        guard let chosen = candidates.first else {
            throw Failure(.software, "this build has no backend", "report this defect")
        }
        guard let make = chosen.make else { throw Failure(.usage, "this build has no \(chosen.title)", chosen.remedy) }
        return try make(threads)
    }
}

extension CPUBackend {
    /// The reference: convolutions by im2col and OpenBLAS.
    /// - Throws: `Failure(.software)` where OpenBLAS cannot be loaded.
    package static func plain(threads: Int) throws(Failure) -> CPUBackend {
        try CPUBackend(threads: threads) { _ throws(Failure) in PlainConvolutions() }
    }

    #if HL_ONEDNN
        /// The fast form: convolutions by oneDNN.
        /// - Throws: `Failure(.software)` where a library cannot be loaded.
        package static func oneDNN(threads: Int) throws(Failure) -> CPUBackend {
            try CPUBackend(threads: threads) { count throws(Failure) in try OneDNNConvolutions(threads: count) }
        }
    #endif
}
