import CCUDA
import Glibc
import HLCompute
import HLTensor
import Testing

/// Our kernels, by NVIDIA's compiler, for which no card is needed.
@Suite(.serialized) struct KernelCompilerTests {
    @Test func targets() throws {
        typealias Target = KernelCompiler.Target
        let known = [75, 80, 86, 89, 90]
        let own = try #require(Target(card: 90, known: known))
        #expect(own.architecture == 90 && !own.isIntermediate)
        let newer = try #require(Target(card: 120, known: known))
        #expect(newer.architecture == 90 && newer.isIntermediate)
        let between = try #require(Target(card: 87, known: known))
        #expect(between.architecture == 86 && between.isIntermediate)
        #expect(Target(card: 70, known: known) == nil)
        #expect(
            KernelCompiler(version: 12090, target: own, cache: nil).options
                == ["--gpu-architecture=sm_90", "--std=c++17", "--fmad=false"])
        #expect(
            KernelCompiler(version: 12090, target: newer, cache: nil).options.first == "--gpu-architecture=compute_90")
    }

    /// What NVRTC of this machine compiles for, from Turing on; empty where there is none.
    private static let architectures: [Int] = {
        let choice = CUDAChoice(search: CUDASearch(), opener: SystemOpener())
        for major in [13, 12, 11] {
            if let known = try? choice.openNVRTC(major: major, architecture: .max) { return known.filter { $0 >= 75 } }
        }
        return []
    }()

    private static var version: Int { Int(hl_cuda_nvrtc_version()) }

    @Test(.enabled(if: !architectures.isEmpty, "there is no NVRTC here"), arguments: architectures)
    func allKernels(architecture: Int) throws { try compileAll(card: architecture) }

    /// For a card that the compiler does not know.
    @Test(.enabled(if: !architectures.isEmpty, "there is no NVRTC here"))
    func allKernelsForLaterCards() throws { try compileAll(card: 999) }

    private func compileAll(card: Int) throws {
        let target = try #require(KernelCompiler.Target(card: card, known: Self.architectures))
        let compiler = KernelCompiler(version: Self.version, target: target, cache: nil)
        let kernels = (0..<hl_kernel_count.rawValue).map { hl_kernel_described(hl_kernel($0)) }
        for number in 0..<hl_kernel_file_count.rawValue {
            let file = hl_kernel_file(number),
                names = kernels.filter { $0.file == file }.map { String(cString: $0.name) }
            let code = try compiler.code(of: file)
            #expect(code.starts(with: target.isIntermediate ? Array("//".utf8) : [0x7f, 0x45, 0x4c, 0x46]))
            let text = String(decoding: code, as: UTF8.self)
            for name in names {
                #expect(
                    text.contains("kernel_\(name)"),
                    "\(name) for \(card) in \(String(cString: hl_kernel_file_name(file)))")
            }
        }
    }

    /// The second time a file's code comes from the cache.
    @Test(.enabled(if: !architectures.isEmpty, "there is no NVRTC here"))
    func codeIsKept() throws {
        let made = try MadeFolders(), cache = KernelCache(folder: made.root)
        let target = try #require(KernelCompiler.Target(card: 999, known: Self.architectures))
        let compiler = KernelCompiler(version: Self.version, target: target, cache: cache)
        let code = try compiler.code(of: hl_kernel_file_memory)
        #expect(try compiler.code(of: hl_kernel_file_memory) == code)
        let other = KernelCompiler(version: 1, target: target, cache: cache)
        #expect(try other.code(of: hl_kernel_file_memory) == code)
        #expect(try made.files.count == 2)
        // What a file of the cache says is what comes of it, and another text has another file.
        for file in try made.files { cache.keep([1, 2, 3], for: file) }
        #expect(try compiler.code(of: hl_kernel_file_memory) == [1, 2, 3])
        #expect(try compiler.code(of: hl_kernel_file_random) != [1, 2, 3])
        #expect(try made.files.count == 3)
    }

    /// What the compiler says of an error is handed on.
    @Test(.enabled(if: !architectures.isEmpty, "there is no NVRTC here"))
    func errorsOfTheCompiler() {
        var code: UnsafeMutableRawPointer?, size = 0
        let problem = hl_cuda_nvrtc_compile("int x = ;\n", "broken.cu", nil, 0, 0, &code, &size)
        defer { free(problem) }
        #expect(code == nil)
        let text = problem.map { String(cString: $0) } ?? ""
        #expect(text.hasPrefix("broken.cu(1): error"))
    }
}
