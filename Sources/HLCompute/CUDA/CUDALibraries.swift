import CCUDA
import Glibc
import HLTensor
import Synchronization

/// NVIDIA's driver and libraries in this process: found, opened and checked once, when a card is first asked for.
package enum CUDALibraries {
    private static let loaded = Mutex<ChosenLibraries?>(nil)

    /// Opens the driver and looks for cards. Costs next to nothing where there is no driver.
    /// - Returns: how many cards there are.
    /// - Throws: `Failure` (software) where there is none.
    package static func cardCount() throws(Failure) -> Int {
        if let reason = hl_cuda_driver_open() {
            throw Failure(
                .software, "cannot use NVIDIA's driver (\(String(cString: reason)))",
                "install it, or use another --backend")
        }
        guard hl_cuda_device_count() > 0 else {
            throw Failure(
                .software, "NVIDIA's driver shows no card", "unset CUDA_VISIBLE_DEVICES, or use another --backend")
        }
        return Int(hl_cuda_device_count())
    }

    /// Whether a driver shows a card, or would if it worked.
    package static var hasCard: Bool {
        hl_cuda_driver_open() == nil ? hl_cuda_device_count() > 0 : hl_cuda_driver_has_problem() != 0
    }

    /// The card of this process: the first one, or, of several processes that a launcher has started on this machine,
    /// the one with the process's number.
    /// - Throws: as `cardCount`.
    package static func ownCard() throws(Failure) -> Int { try localRank() % cardCount() }

    /// The number of this process among those that a launcher has started on this machine, else 0.
    package static func localRank(_ variable: (String) -> String? = { getenv($0).map { String(cString: $0) } }) -> Int {
        // Of Open MPI, of MPICH's family, and of srun.
        let names = ["OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"]
        return max(0, names.lazy.compactMap(variable).compactMap { Int($0) }.first ?? 0)
    }

    /// The libraries, opened for a card of this compute capability, such as 90. The driver must be open.
    /// - Throws: `Failure` (software) that says what was looked for and what to install.
    package static func load(architecture: Int) throws(Failure) -> ChosenLibraries {
        let libraries = try loaded.withLock { loaded throws(Failure) in
            if let loaded { return loaded }
            let libraries = try CUDAChoice(search: CUDASearch(), opener: SystemOpener()).libraries(
                driver: Int(hl_cuda_driver_version()), architecture: architecture)
            loaded = libraries
            return libraries
        }
        // Another card may be older than the one that they were opened for.
        guard (libraries.architectures.first ?? .max) <= architecture else {
            throw Failure(
                .software, "the libraries for CUDA \(libraries.major) compile nothing for a card as old as this one",
                "use one card in a process, or install those for an older CUDA")
        }
        return libraries
    }

    /// Opens NCCL; the others must be open.
    /// - Returns: what is wrong (software), else nil.
    package static func openNCCL() -> Failure? {
        guard let libraries = loaded.withLock({ $0 }) else {
            return Failure(.software, "no card is in use", "report this defect")
        }
        let choice = CUDAChoice(search: CUDASearch(), opener: SystemOpener())
        return choice.open(.nccl, major: libraries.major).map {
            Failure(.software, $0.text, "pip install \(CUDALibrary.nccl.pipName(major: libraries.major))")
        }
    }
}
