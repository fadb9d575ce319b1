import HLTensor

/// A backend by its name: what `--backend` takes, what it is, and how it is made.
package struct BackendDescription: Sendable {
    /// As `--backend` has it.
    package let name: String
    /// What it stands for, for messages and `--version`.
    package let title: String
    /// Makes one with so many threads in all, 0 for one per core; nil where this build does not have it. Of several
    /// devices it takes that of a number, or the one that suits this process.
    let make: (@Sendable (_ threads: Int, _ device: Int?) throws(Failure) -> any Backend)?
    /// What to do where this build does not have it.
    let remedy: String
    /// Whether it runs on devices that not every machine has, of which one may be chosen by its number.
    package let hasDevices: Bool

    /// Whether this build has it. Whether its libraries are there shows when one is made.
    package var isBuilt: Bool { make != nil }

    /// Whether this machine has what it runs on. Next to nothing is done to find out.
    package var isHere: Bool { !hasDevices || CUDALibraries.hasCard }

    /// Its name, and what may follow, for help and messages.
    var form: String { hasDevices ? "\(name)[:N]" : name }
}

/// The backends that this version knows. One more is one more entry.
package enum Backends {
    /// From the fastest to the plainest: without a choice the first one that this build and this machine have is taken.
    package static let all: [BackendDescription] = [cuda, oneDNN, plain]

    /// Cards of NVIDIA's, whose libraries are looked for at run time.
    private static let cuda = BackendDescription(
        name: "cuda", title: "CUDA",
        make: { threads, device throws(Failure) in
            let index = if let device { device } else { try CUDALibraries.ownCard() }
            return CUDABackend(on: try DriverDevice(index: index), threads: threads)
        }, remedy: "", hasDevices: true)

    /// The fast CPU form: oneDNN's convolutions, Winograd's where it wins, on activations that stay in the blocked layout
    /// from layer to layer, or channels last where AMX's kernels ask for it.
    private static var oneDNN: BackendDescription {
        #if HL_ONEDNN
            let make: @Sendable (Int, Int?) throws(Failure) -> any Backend = { threads, _ throws(Failure) in
                try CPUBackend.oneDNN(threads: threads)
            }
        #else
            let make: (@Sendable (Int, Int?) throws(Failure) -> any Backend)? = nil
        #endif
        return BackendDescription(
            name: "onednn", title: "oneDNN", make: make,
            remedy: "install its headers (libdnnl-dev) and build again, or use plain", hasDevices: false)
    }

    /// OpenBLAS alone.
    private static let plain = BackendDescription(
        name: "plain", title: "OpenBLAS alone",
        make: { threads, _ throws(Failure) in try CPUBackend.plain(threads: threads) }, remedy: "", hasDevices: false)

    /// The names, with that of no choice first.
    package static var names: [String] { [BackendChoice.automatic.name] + all.map(\.name) }

    /// The same with what may follow, as in `cuda[:N]`, for help and messages.
    package static var forms: [String] { [BackendChoice.automatic.name] + all.map(\.form) }
}

/// Which backend to take.
package struct BackendChoice: Sendable, Hashable, CustomStringConvertible {
    /// One of `Backends.names`.
    package let name: String
    /// The number of a device, from 0 on, where one is chosen.
    package let device: Int?

    private init(known name: String, device: Int? = nil) { (self.name, self.device) = (name, device) }

    /// - Parameter text: a name, or that of a backend with devices and a number, such as `cuda:1`; nil for any other.
    package init?(_ text: String) {
        if Backends.names.contains(text) {
            self.init(known: text)
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, Backends.all.contains(where: { $0.hasDevices && $0.name == parts[0] }),
            !parts[1].isEmpty, parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let device = Int(parts[1])
        else { return nil }
        self.init(known: String(parts[0]), device: device)
    }

    /// The first backend that this build and this machine have.
    package static let automatic = BackendChoice(known: "auto")
    /// The reference, which every build has.
    package static let plain = BackendChoice(known: "plain")
    /// oneDNN's.
    package static let oneDNN = BackendChoice(known: "onednn")

    /// As it is written.
    package var description: String { device.map { "\(name):\($0)" } ?? name }

    /// - Parameter threads: threads in all, 0 for one per core.
    /// - Throws: `Failure` when the libraries cannot be loaded, or when this build has no such backend.
    package func make(threads: Int = 0) throws(Failure) -> any Backend {
        if self == .automatic { return try Self.makeFirst(threads: threads) }
        guard let chosen = Backends.all.first(where: { $0.name == name }) else {
            throw Failure(.software, "this build has no backend", "report this defect")
        }
        guard let make = chosen.make else { throw Failure(.usage, "this build has no \(chosen.title)", chosen.remedy) }
        return try make(threads, device)
    }

    /// A device that is there but cannot be used is passed over, which the user is told.
    private static func makeFirst(threads: Int) throws(Failure) -> any Backend {
        for candidate in Backends.all where candidate.isHere {
            guard let make = candidate.make else { continue }
            do throws(Failure) {
                return try make(threads, nil)
            } catch {
                guard candidate.hasDevices else { throw error }
                Notice.give("the card is not used: \(error)")
            }
        }
        throw Failure(.software, "this build has no backend", "report this defect")
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
