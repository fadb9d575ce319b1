import HLCompute
import Testing

/// Where NVIDIA's libraries are looked for.
struct CUDASearchTests {
    private let made: MadeFolders

    init() throws { made = try MadeFolders() }

    private func search(_ variables: [String: String] = [:]) -> CUDASearch {
        CUDASearch({ variables[$0] }, local: "\(made.root)/local")
    }

    @Test func theLoaderAloneWhereNothingIsThere() {
        #expect(search().candidates(.nvrtc, major: 12) == ["libnvrtc.so.12"])
        #expect(search().candidates(.nvrtc, major: 11) == ["libnvrtc.so.11.2"])
        #expect(search().candidates(.cudnn, major: 12) == ["libcudnn.so.9", "libcudnn.so.8"])
        #expect(search().candidates(.cudnn, major: 13) == ["libcudnn.so.9"])
        #expect(search().candidates(.nvrtc, major: 12, onlyNamed: true).isEmpty)
    }

    @Test func placesInTheirOrder() throws {
        let named = try made.file("named/lib64/libcublas.so.12")
        let chosen = try made.file("local/cuda/lib64/libcublas.so.12")
        let older = try made.file("local/cuda-12.4/lib64/libcublas.so.12")
        let newer = try made.file("local/cuda-12.10/lib64/libcublas.so.12")
        let conda = try made.file("conda/lib/libcublas.so.12")
        let packages = "lib/python3.11/site-packages/nvidia/cublas/lib/libcublas.so.12"
        let onPath = try made.file("python/\(packages)")
        let environment = try made.file("environment/\(packages)")
        let home = try made.file("home/.local/\(packages)")
        try made.file("python/bin/python3", permissions: 0o755)
        let root = made.root
        let found = search([
            "HL_CUDA_LIBRARIES": "\(root)/nowhere:\(root)/named", "CONDA_PREFIX": "\(root)/conda",
            "PATH": "\(root)/empty:\(root)/python/bin", "VIRTUAL_ENV": "\(root)/environment", "HOME": "\(root)/home",
        ])
        #expect(
            found.candidates(.cublas, major: 12) == [
                named, "libcublas.so.12", chosen, newer, older, conda, onPath, environment, home,
            ])
        #expect(found.candidates(.cublas, major: 12, onlyNamed: true) == [named])
        #expect(found.candidates(.cublas, major: 13) == ["libcublas.so.13"])
    }

    /// A virtual environment's Python is a link to one that has packages too; the newest comes first, but for the
    /// one that is run.
    @Test func pythonsBehindLinks() throws {
        let file = "site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"
        let virtual = try made.file("virtual/lib/python3.9/\(file)")
        let other = try made.file("base/lib/python3.10/\(file)")
        let real = try made.file("base/lib/python3.9/\(file)")
        let system = try made.file("local/lib/python3.9/dist-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12")
        try made.file("base/bin/python3.9", permissions: 0o755)
        try made.link("virtual/bin/python3", to: "base/bin/python3.9")
        let found = search(["PATH": "\(made.root)/virtual/bin"]).candidates(.nvrtc, major: 12)
        #expect(found == ["libnvrtc.so.12", virtual, real, other, system])
    }

    @Test func packagesOfCUDA13() throws {
        let packages = "environment/lib/python3.12/site-packages"
        let nvrtc = try made.file("\(packages)/nvidia/cu13/lib/libnvrtc.so.13")
        let cublas = try made.file("\(packages)/nvidia/cu13/lib/libcublas.so.13")
        let cudnn = try made.file("\(packages)/nvidia/cudnn/lib/libcudnn.so.9")
        try made.file("\(packages)/nvidia_cudnn_cu13-9.15.0.57.dist-info/METADATA")
        // Names that only begin like a library's.
        try made.file("\(packages)/nvidia/cu13/lib/libnvrtc.alt.so.13")
        let found = search(["VIRTUAL_ENV": "\(made.root)/environment"])
        #expect(found.candidates(.nvrtc, major: 13) == ["libnvrtc.so.13", nvrtc])
        #expect(found.candidates(.cublas, major: 13) == ["libcublas.so.13", cublas])
        #expect(found.candidates(.cudnn, major: 13) == ["libcudnn.so.9", cudnn])
        // pip says that this one is not CUDA 12's, which its name does not.
        #expect(found.candidates(.cudnn, major: 12) == ["libcudnn.so.9", "libcudnn.so.8"])
    }

    /// The packages of a Python may be named themselves, and folders may have names that are patterns.
    @Test func namedPackages() throws {
        let nvrtc = try made.file("a [1]/nvidia/cuda_nvrtc/lib/libnvrtc.so.12")
        let cudnn = try made.file("a [1]/nvidia/cudnn/lib/libcudnn.so.9")
        try made.file("a [1]/nvidia_cudnn_cu12-9.1.0.70.dist-info/METADATA")
        let found = search(["HL_CUDA_LIBRARIES": "\(made.root)/a [1]"])
        #expect(found.candidates(.nvrtc, major: 12, onlyNamed: true) == [nvrtc])
        #expect(found.candidates(.cudnn, major: 12, onlyNamed: true) == [cudnn])
        #expect(found.candidates(.cudnn, major: 11, onlyNamed: true).isEmpty)
    }

    @Test func neighbours() {
        #expect(CUDASearch.neighbour(of: "/a/libcublas.so.12", "x") == "/a/x")
        #expect(CUDASearch.neighbour(of: "libcublas.so.12", "x") == "x")
    }

    @Test func ranksOfAMachine() {
        #expect(CUDALibraries.localRank { _ in nil } == 0)
        #expect(CUDALibraries.localRank { ["OMPI_COMM_WORLD_LOCAL_RANK": "3"][$0] } == 3)
        #expect(CUDALibraries.localRank { ["MPI_LOCALRANKID": "2", "SLURM_LOCALID": "0"][$0] } == 2)
        #expect(CUDALibraries.localRank { ["SLURM_LOCALID": "-1"][$0] } == 0)
    }
}
