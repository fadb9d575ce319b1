import CCUDA
import HLTensor

/// Chooses among the libraries that are there those that belong together.
package struct CUDAChoice {
    /// Where they may be.
    package let search: CUDASearch
    /// What opens them.
    package let opener: any CUDALibraryOpener

    /// A choice among what a search finds.
    package init(search: CUDASearch, opener: any CUDALibraryOpener) { (self.search, self.opener) = (search, opener) }

    /// The oldest release that is supported, as the libraries number it.
    private static let oldest = 11080
    /// The newest CUDA whose libraries are known; a later driver runs them.
    private static let newest = 13

    /// Why a library cannot be used.
    package struct Problem: Error {
        /// For people.
        package let text: String
        /// The CUDA whose libraries would do.
        package let major: Int
        /// Whether something was there, about which there is more to say than that it is missing.
        package let wasFound: Bool

        /// A reason of an opener's own.
        package init(text: String, major: Int, wasFound: Bool) {
            (self.text, self.major, self.wasFound) = (text, major, wasFound)
        }
    }

    /// Opens libraries of the highest CUDA that the driver allows. One of which the user names a folder with NVRTC goes
    /// before all others.
    /// - Parameters:
    ///   - driver: the CUDA version that the driver is for, 12040 for 12.4.
    ///   - architecture: the card's compute capability, 90 for 9.0.
    /// - Throws: `Failure` (software).
    package func libraries(driver: Int, architecture: Int) throws(Failure) -> ChosenLibraries {
        guard driver >= Self.oldest else {
            throw Failure(
                .software,
                "NVIDIA's driver is for CUDA \(text(driver)), and \(text(Self.oldest)) is the oldest that is supported",
                "install a newer driver, or use another --backend")
        }
        var problem: Problem?
        let newest = min(driver / 1000, Self.newest)
        let majors = (Self.oldest / 1000...newest).reversed()
        let named = majors.filter { !search.candidates(.nvrtc, major: $0, onlyNamed: true).isEmpty }
        for major in named + majors.filter({ !named.contains($0) }) {
            do throws(Problem) {
                let architectures = try openRequired(major: major, architecture: architecture)
                return ChosenLibraries(
                    major: major, architectures: architectures, problemOfCUDNN: open(.cudnn, major: major)?.text)
            } catch {
                // What is wrong with the newest that is there.
                if problem == nil || (error.wasFound && problem?.wasFound == false) { problem = error }
            }
        }
        // CUDA 13 left Volta and what is older behind.
        let wanted = min(problem?.major ?? newest, architecture < 75 ? 12 : .max)
        let names = [CUDALibrary.nvrtc, .cublas, .cudnn].map { $0.pipName(major: wanted) }.joined(separator: " ")
        throw Failure(
            .software, problem?.text ?? "",
            "pip install \(names), or name the folders of these libraries in HL_CUDA_LIBRARIES")
    }

    // MARK: Opening

    /// NVRTC, cuBLASLt and cuBLAS.
    /// - Returns: what NVRTC compiles for.
    private func openRequired(major: Int, architecture: Int) throws(Problem) -> [Int] {
        let architectures = try openNVRTC(major: major, architecture: architecture)
        do throws(Problem) {
            try openCUBLAS(major: major)
        } catch {
            opener.close(.nvrtc)
            // One half being there, the other one is what is missing.
            throw Problem(text: error.text, major: error.major, wasFound: true)
        }
        return architectures
    }

    /// Opens NVRTC for a card.
    /// - Returns: what it compiles for.
    package func openNVRTC(major: Int, architecture: Int) throws(Problem) -> [Int] {
        try first(.nvrtc, major: major) { path throws(Problem) in
            let found = try opener.loadCompiler()
            let title = "NVRTC \(text(found.version)) (\(path))"
            guard found.version >= Self.oldest, found.version / 1000 == major else {
                throw Problem(text: "\(title) is not CUDA \(major)'s, from 11.8 on", major: major, wasFound: true)
            }
            guard let least = found.architectures.first, least <= architecture else {
                throw Problem(
                    text: "\(title) compiles nothing for compute capability \(architecture / 10).\(architecture % 10)",
                    major: major - 1, wasFound: true)
            }
            return found.architectures
        }
    }

    private func openCUBLAS(major: Int) throws(Problem) {
        try first(.cublas, major: major, before: .cublasLt) { _ throws(Problem) in try opener.loadProducts() }
    }

    /// Opens a library that may be missing.
    /// - Returns: why it cannot be used, else nil.
    package func open(_ library: CUDALibrary, major: Int) -> Problem? {
        do throws(Problem) {
            try first(library, major: major) { _ throws(Problem) in }
            return nil
        } catch {
            return error
        }
    }

    /// Opens the first candidate that opens and passes the check.
    /// - Parameter companion: a library that is to be opened before it, from the same place.
    private func first<Result>(
        _ library: CUDALibrary, major: Int, before companion: CUDALibrary? = nil,
        check: (String) throws(Problem) -> Result
    ) throws(Problem) -> Result {
        let names = library.fileNames(major: major)
        var problem = Problem(
            text: "cannot find \(library.title) for CUDA \(major) (\(names.joined(separator: " or ")))", major: major,
            wasFound: false)
        for candidate in search.candidates(library, major: major) {
            do throws(Problem) {
                if let companion {
                    let name = companion.fileNames(major: major)[0]
                    try open(companion, CUDASearch.neighbour(of: candidate, name), major)
                }
                try open(library, candidate, major)
                return try check(candidate)
            } catch {
                opener.close(library)
                if let companion { opener.close(companion) }
                if error.wasFound && !problem.wasFound { problem = error }
            }
        }
        throw problem
    }

    private func open(_ library: CUDALibrary, _ path: String, _ major: Int) throws(Problem) {
        guard let reason = opener.open(library, path) else { return }
        // The loader knows none of this name.
        let isMissing = !path.contains("/") && reason.hasPrefix("\(path):")
        throw Problem(text: "cannot open \(library.title) (\(reason))", major: major, wasFound: !isMissing)
    }

    private func text(_ version: Int) -> String { "\(version / 1000).\(version % 1000 / 10)" }
}

/// Libraries that belong together, open.
package struct ChosenLibraries: Sendable {
    /// Their CUDA, such as 12.
    package let major: Int
    /// What NVRTC compiles for, 90 for sm_90, ascending.
    package let architectures: [Int]
    /// Why cuDNN is not open, if it is not.
    package let problemOfCUDNN: String?
}

/// What opens libraries: C, or a test.
package protocol CUDALibraryOpener {
    /// - Parameter path: a file, or a name for the system's loader.
    /// - Returns: why it does not open, else nil.
    func open(_ library: CUDALibrary, _ path: String) -> String?

    /// Closes it, so that another one can be tried.
    func close(_ library: CUDALibrary)

    /// Takes NVRTC, once it is open, into use.
    /// - Returns: its version, 12040 for 12.4, and what it compiles for.
    func loadCompiler() throws(CUDAChoice.Problem) -> (version: Int, architectures: [Int])

    /// Takes cuBLAS into use.
    func loadProducts() throws(CUDAChoice.Problem)
}

/// By the system's loader.
package struct SystemOpener: CUDALibraryOpener {
    /// The loader.
    package init() {}

    package func open(_ library: CUDALibrary, _ path: String) -> String? {
        hl_cuda_library_open(library.number, path).map { String(cString: $0) }
    }

    package func close(_ library: CUDALibrary) {
        if library == .nvrtc { hl_cuda_library_close(HL_CUDA_NVRTC_BUILTINS) }
        hl_cuda_library_close(library.number)
    }

    package func loadCompiler() throws(CUDAChoice.Problem) -> (version: Int, architectures: [Int]) {
        if let reason = hl_cuda_nvrtc_load() { throw problem(reason) }
        let version = Int(hl_cuda_nvrtc_version())
        // It looks for its other half by name when it first compiles, and in releases from 13 on not beside itself. One
        // that is open is found. Where it is elsewhere, the loader may still know it.
        if let path = hl_cuda_library_path(HL_CUDA_NVRTC).map({ String(cString: $0) }) {
            let name = "libnvrtc-builtins.so.\(version / 1000).\(version % 1000 / 10)"
            _ = hl_cuda_library_open(HL_CUDA_NVRTC_BUILTINS, CUDASearch.neighbour(of: path, name))
        }
        var architectures = [Int32](repeating: 0, count: 64)
        let count = hl_cuda_nvrtc_architectures(&architectures, Int32(architectures.count))
        return (version, architectures.prefix(Int(count)).map(Int.init))
    }

    package func loadProducts() throws(CUDAChoice.Problem) {
        if let reason = hl_cuda_blas_load() { throw problem(reason) }
    }

    private func problem(_ reason: UnsafePointer<CChar>) -> CUDAChoice.Problem {
        CUDAChoice.Problem(text: String(cString: reason), major: Int(hl_cuda_driver_version()) / 1000, wasFound: true)
    }
}
