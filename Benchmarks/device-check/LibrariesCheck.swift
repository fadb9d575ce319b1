import BenchmarkHarness
import CCUDA
import HLCompute
import HLFormats
import HLTensor

/// What is there, and whether a kernel, a product and a convolution work at all.
func checkLibraries(_ checker: Checker) throws {
    var opened: (any Backend)?
    checker.piece("libraries", "opening") {
        let backend = try checker.make()
        opened = backend
        var record: JSONObject = [
            "ok": true, "backend": .string(backend.summary), "threads": .integer(Int64(backend.threads)),
            "bf16": .string("\(backend.bf16)"), "tf32": .bool(backend.hasTF32),
            "reference": .string(try checker.makePlain().summary),
        ]
        for (name, version) in [
            ("driver", Int(hl_cuda_driver_version())), ("nvrtc", Int(hl_cuda_nvrtc_version())),
            ("cublas", Int(hl_cuda_blas_version())), ("cudnn", Int(hl_cuda_dnn_version())),
            ("cudnn's cuda", Int(hl_cuda_dnn_runtime())), ("cards", Int(hl_cuda_device_count())),
        ] where version > 0 { record[name] = .integer(Int64(version)) }
        let files: [(String, hl_cuda_library_name)] = [
            ("builtins", HL_CUDA_NVRTC_BUILTINS), ("nvrtc", HL_CUDA_NVRTC), ("cublasLt", HL_CUDA_CUBLASLT),
            ("cublas", HL_CUDA_CUBLAS), ("cudnn", HL_CUDA_CUDNN), ("driver", HL_CUDA_DRIVER),
        ]
        for (name, library) in files {
            if let path = hl_cuda_library_path(library) { record["path of \(name)"] = .string(String(cString: path)) }
        }
        return record
    }
    guard let backend = opened else { return }
    // The first of each kind compiles or plans.
    let works: [(String, (any Backend) -> Tensor)] = [
        ("a kernel", { $0.add($0.constant(1, shape: [1000]), $0.constant(2, shape: [1000])) }),
        (
            "a product",
            {
                $0.matmul(
                    $0.constant(0.5, shape: [30, 40]), $0.constant(0.15, shape: [40, 50]), transposeA: false,
                    transposeB: false)
            }
        ),
        (
            "a convolution",
            {
                $0.convolution(
                    $0.constant(0.5, shape: [2, 16, 8, 8]), weight: $0.constant(0.375, shape: [32, 16, 1, 1]),
                    window: Window(size: 1))
            }
        ),
    ]
    for (name, work) in works {
        checker.piece("libraries", name, on: backend) {
            let first = try timed { try backend.read(work(backend)).floats }
            let second = try timed { try backend.read(work(backend)).floats }
            return [
                "ok": .bool(first.result == second.result && first.result.allSatisfy { abs($0 - 3) < 1e-5 }),
                "first_seconds": .number(first.seconds), "second_seconds": .number(second.seconds),
            ]
        }
    }
}
