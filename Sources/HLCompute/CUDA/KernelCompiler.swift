import CCUDA
import Glibc
import HLTensor

/// Makes code of our kernels for a card, by NVRTC, and remembers it from run to run.
package struct KernelCompiler {
    /// NVRTC's, 12040 for 12.4.
    package let version: Int
    /// What code is made for.
    package let target: Target
    /// Where code is kept, if anywhere.
    package let cache: KernelCache?

    /// A compiler by its version.
    package init(version: Int, target: Target, cache: KernelCache?) {
        (self.version, self.target, self.cache) = (version, target, cache)
    }

    /// What code is made for.
    package struct Target: Hashable {
        /// 90 for compute capability 9.0.
        package let architecture: Int
        /// Whether the driver has to finish the code: PTX, where the compiler does not know the card.
        package let isIntermediate: Bool

        /// The card's own, or the best that it can run.
        /// - Returns: nil where the card is older than all that the compiler knows.
        package init?(card: Int, known architectures: [Int]) {
            guard let best = architectures.filter({ $0 <= card }).max() else { return nil }
            architecture = best
            isIntermediate = best != card
        }
    }

    /// How kernels are compiled. Products and sums are not joined, so that the bits are those of the processor's.
    package var options: [String] {
        [
            "--gpu-architecture=\(target.isIntermediate ? "compute" : "sm")_\(target.architecture)", "--std=c++17",
            "--fmad=false",
        ]
    }

    /// The code of a file of kernels: a cubin, or PTX.
    /// - Throws: `Failure` (software) with what the compiler says.
    package func code(of file: hl_kernel_file) throws(Failure) -> [UInt8] {
        var count = 0
        let name = "\(String(cString: hl_kernel_file_name(file))).cu"
        guard let text = hl_kernel_text(file, &count) else { throw Memory.failure(for: "the text of \(name)") }
        let key = key(UnsafeRawBufferPointer(start: text, count: count))
        if let code = cache?.code(for: key) { return code }
        let code = try compile(text, name)
        cache?.keep(code, for: key)
        return code
    }

    /// What decides the code.
    private func key(_ text: UnsafeRawBufferPointer) -> String {
        var hash = SHA256()
        hash.update(text)
        let rest = "\n\(version) \(target.architecture) \(target.isIntermediate) \(options.joined(separator: " "))"
        Array(rest.utf8).withUnsafeBytes { hash.update($0) }
        return hash.finished()
    }

    private func compile(_ text: UnsafePointer<CChar>, _ name: String) throws(Failure) -> [UInt8] {
        let copies = options.map { strdup($0) }
        defer { for copy in copies { Glibc.free(copy) } }
        var code: UnsafeMutableRawPointer?, size = 0
        let problem = copies.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            hl_cuda_nvrtc_compile(
                text, name, $0.baseAddress, Int32($0.count), target.isIntermediate ? 1 : 0, &code, &size)
        }
        defer {
            Glibc.free(problem)
            Glibc.free(code)
        }
        guard let code, problem == nil else {
            let said = problem.map { String(cString: $0) } ?? ""
            // The first line tells the place and the error.
            let line =
                said.split(separator: "\n").first { $0.contains("error") } ?? said.split(separator: "\n").first ?? ""
            throw Failure(
                .software, "NVRTC does not compile \(name) (\(line))", "report this with the output of --version")
        }
        return Array(UnsafeRawBufferPointer(start: code, count: size))
    }
}
