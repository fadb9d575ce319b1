import HLCompute
import HLTensor
import Testing

/// Which of the libraries that are there are taken, and what is said where none is.
struct CUDAChoiceTests {
    private let made: MadeFolders

    init() throws { made = try MadeFolders() }

    /// NVRTC and cuBLAS of a CUDA in a toolkit's folder.
    private func toolkit(_ folder: String, _ major: Int) throws {
        for library in [CUDALibrary.nvrtc, .cublasLt, .cublas] {
            try made.file("\(folder)/lib64/\(library.fileNames(major: major)[0])")
        }
    }

    private func choose(
        _ opener: MadeLibraries, named: String? = nil, driver: Int = 13000, architecture: Int = 90
    ) throws(Failure) -> ChosenLibraries {
        let root = made.root
        let search = CUDASearch(
            { $0 == "HL_CUDA_LIBRARIES" ? named.map { "\(root)/\($0)" } : nil }, local: "\(root)/local")
        return try CUDAChoice(search: search, opener: opener).libraries(driver: driver, architecture: architecture)
    }

    private func failure(
        _ opener: MadeLibraries, named: String? = nil, driver: Int = 13000, architecture: Int = 90
    ) -> Failure? {
        do throws(Failure) {
            _ = try choose(opener, named: named, driver: driver, architecture: architecture)
            return nil
        } catch {
            return error
        }
    }

    @Test func theNewestThatTheDriverAllows() throws {
        for major in [11, 12, 13, 14] { try toolkit("local/cuda-\(major)", major) }
        for (driver, major) in [(14020, 13), (13000, 13), (12020, 12), (11080, 11)] {
            let opener = MadeLibraries()
            let libraries = try choose(opener, driver: driver)
            #expect(libraries.major == major)
            #expect(
                opener.opened == [
                    "libnvrtc.so.\(major == 11 ? "11.2" : "\(major)")", "libcublasLt.so.\(major)",
                    "libcublas.so.\(major)",
                ])
            #expect(
                libraries.problemOfCUDNN == "cannot find cuDNN for CUDA \(major) "
                    + (major == 13 ? "(libcudnn.so.9)" : "(libcudnn.so.9 or libcudnn.so.8)"))
        }
    }

    @Test func namedFoldersGoFirst() throws {
        try toolkit("local/cuda-13.0", 13)
        try toolkit("mine", 11)
        #expect(try choose(MadeLibraries(), named: "mine").major == 11)
        // Unless they do not do.
        let broken = MadeLibraries()
        broken.broken = ["\(made.root)/mine/lib64/libcublas.so.11"]
        #expect(try choose(broken, named: "mine").major == 13)
    }

    /// cuBLAS is taken with the half that lies beside it.
    @Test func halvesBelongTogether() throws {
        try made.file("local/cuda/lib64/libnvrtc.so.12")
        try made.file("local/cuda/lib64/libcublas.so.12")
        try toolkit("local/cuda-12.1", 12)
        let opener = MadeLibraries()
        opener.broken = ["\(made.root)/local/cuda/lib64/libcublasLt.so.12"]
        _ = try choose(opener)
        #expect(opener.paths[.nvrtc] == "\(made.root)/local/cuda/lib64/libnvrtc.so.12")
        #expect(opener.paths[.cublas] == "\(made.root)/local/cuda-12.1/lib64/libcublas.so.12")
        #expect(opener.paths[.cublasLt] == "\(made.root)/local/cuda-12.1/lib64/libcublasLt.so.12")
    }

    @Test func anOlderCUDAForAnOlderCard() throws {
        try toolkit("local/cuda-13.0", 13)
        let only13 = failure(MadeLibraries(), architecture: 70)
        let path = "\(made.root)/local/cuda-13.0/lib64/libnvrtc.so.13"
        #expect(only13?.what == "NVRTC 13.0 (\(path)) compiles nothing for compute capability 7.0")
        #expect(only13?.remedy.contains("nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12 nvidia-cudnn-cu12") == true)
        try toolkit("local/cuda-12.9", 12)
        let libraries = try choose(MadeLibraries(), architecture: 70)
        #expect(libraries.major == 12)
        #expect(libraries.architectures == [50, 70, 75, 80, 90])
    }

    @Test func cuDNNWhereItIs() throws {
        try toolkit("local/cuda", 12)
        try made.file("local/cuda/lib64/libcudnn.so.8")
        let opener = MadeLibraries()
        #expect(try choose(opener).problemOfCUDNN == nil)
        #expect(opener.opened.last == "libcudnn.so.8")
    }

    // MARK: Messages

    @Test func whatToInstall() {
        let none = failure(MadeLibraries(), driver: 12040)
        #expect(none?.kind == .software)
        #expect(none?.what == "cannot find NVRTC for CUDA 12 (libnvrtc.so.12)")
        #expect(
            none?.remedy == "pip install nvidia-cuda-nvrtc-cu12 nvidia-cublas-cu12 nvidia-cudnn-cu12, "
                + "or name the folders of these libraries in HL_CUDA_LIBRARIES")
        let newer = failure(MadeLibraries())
        #expect(newer?.what == "cannot find NVRTC for CUDA 13 (libnvrtc.so.13)")
        #expect(
            newer?.remedy.hasPrefix(
                "pip install 'nvidia-cuda-nvrtc==13.*' 'nvidia-cublas==13.*' nvidia-cudnn-cu13,") == true)
        // CUDA 13 has nothing for this card.
        #expect(failure(MadeLibraries(), architecture: 70)?.remedy.contains("nvidia-cublas-cu12") == true)
    }

    @Test func whatIsWrongWithWhatIsThere() throws {
        try made.file("local/cuda/lib64/libnvrtc.so.12")
        #expect(failure(MadeLibraries())?.what == "cannot find cuBLAS for CUDA 12 (libcublas.so.12)")
        try toolkit("local/cuda", 12)
        let opener = MadeLibraries()
        opener.broken = ["\(made.root)/local/cuda/lib64/libcublas.so.12"]
        #expect(
            failure(opener)?.what
                == "cannot open cuBLAS (\(made.root)/local/cuda/lib64/libcublas.so.12: invalid ELF header)")
        #expect(opener.opened.isEmpty)
        let old = MadeLibraries()
        old.versions[12] = 11050
        #expect(
            failure(old)?.what
                == "NVRTC 11.5 (\(made.root)/local/cuda/lib64/libnvrtc.so.12) is not CUDA 12's, from 11.8 on")
    }

    @Test func anOldDriver() {
        let error = failure(MadeLibraries(), driver: 11040)
        #expect(error?.what == "NVIDIA's driver is for CUDA 11.4, and 11.8 is the oldest that is supported")
    }
}

/// Libraries that are files of a test: they open where they are, and are what their names say.
private final class MadeLibraries: CUDALibraryOpener {
    /// Files that do not open.
    var broken: Set<String> = []
    /// Of NVRTC, where they are not what the name says.
    var versions: [Int: Int] = [:]
    private(set) var paths: [CUDALibrary: String] = [:]
    private var order: [CUDALibrary] = []

    /// The names of the files that are open, in the order of opening.
    var opened: [String] {
        order.compactMap { paths[$0]?.split(separator: "/").last.map(String.init) }
    }

    func open(_ library: CUDALibrary, _ path: String) -> String? {
        guard path.hasPrefix("/") else { return "\(path): cannot open shared object file: No such file or directory" }
        if broken.contains(path) { return "\(path): invalid ELF header" }
        paths[library] = path
        order.append(library)
        return nil
    }

    func close(_ library: CUDALibrary) {
        paths[library] = nil
        order.removeAll { $0 == library }
    }

    func loadCompiler() throws(CUDAChoice.Problem) -> (version: Int, architectures: [Int]) {
        let name = paths[.nvrtc] ?? ""
        let major = [11, 12, 13].first { name.contains(".so.\($0)") } ?? 0
        let architectures = [50, 70, 75, 80, 90].filter { major < 13 || $0 >= 75 }
        return (versions[major] ?? [11: 11080, 12: 12090, 13: 13000][major] ?? 0, architectures)
    }

    func loadProducts() throws(CUDAChoice.Problem) {}
}
