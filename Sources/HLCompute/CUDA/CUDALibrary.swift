import CCUDA

/// A library of NVIDIA's beside the driver.
package enum CUDALibrary: CaseIterable, Sendable {
    /// Compiles our kernels.
    case nvrtc
    /// What cuBLAS and cuDNN stand on.
    case cublasLt
    /// Matrix products.
    case cublas
    /// Convolutions; without it they are matrix products.
    case cudnn
    /// Sums over the cards of several processes.
    case nccl

    /// As NVIDIA writes it.
    package var title: String {
        switch self {
        case .nvrtc: "NVRTC"
        case .cublasLt: "cuBLASLt"
        case .cublas: "cuBLAS"
        case .cudnn: "cuDNN"
        case .nccl: "NCCL"
        }
    }

    /// As C numbers them.
    package var number: hl_cuda_library_name {
        switch self {
        case .nvrtc: HL_CUDA_NVRTC
        case .cublasLt: HL_CUDA_CUBLASLT
        case .cublas: HL_CUDA_CUBLAS
        case .cudnn: HL_CUDA_CUDNN
        case .nccl: HL_CUDA_NCCL
        }
    }

    /// The names under which loaders know it, the newest first. All cuDNN 9 have one, whatever CUDA they are made for.
    /// - Parameter major: of CUDA.
    package func fileNames(major: Int) -> [String] {
        switch self {
        // 11.2 promised to stay compatible from there on, under its own number.
        case .nvrtc: [major == 11 ? "libnvrtc.so.11.2" : "libnvrtc.so.\(major)"]
        case .cublasLt: ["libcublasLt.so.\(major)"]
        case .cublas: ["libcublas.so.\(major)"]
        case .cudnn: major < 13 ? ["libcudnn.so.9", "libcudnn.so.8"] : ["libcudnn.so.9"]
        case .nccl: ["libnccl.so.2"]
        }
    }

    /// Its folders in a Python's `nvidia`: since CUDA 13 NVRTC and cuBLAS share one.
    package func pipFolders(major: Int) -> [String] {
        let own =
            switch self {
            case .nvrtc: "cuda_nvrtc"
            case .cublasLt, .cublas: "cublas"
            case .cudnn: "cudnn"
            case .nccl: "nccl"
            }
        return major < 13 ? ["\(own)/lib"] : ["cu\(major)/lib", "\(own)/lib"]
    }

    /// What pip calls it.
    package func pipName(major: Int) -> String {
        switch self {
        case .nvrtc: major < 13 ? "nvidia-cuda-nvrtc-cu\(major)" : "'nvidia-cuda-nvrtc==\(major).*'"
        case .cublasLt, .cublas: major < 13 ? "nvidia-cublas-cu\(major)" : "'nvidia-cublas==\(major).*'"
        case .cudnn: "nvidia-cudnn-cu\(major)"
        case .nccl: "nvidia-nccl-cu\(major)"
        }
    }
}
