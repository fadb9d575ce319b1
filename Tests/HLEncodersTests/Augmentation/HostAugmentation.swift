import HLCompute
import HLEncoders
import HLTensor

/// T_x from host to host, on the plain backend.
extension Augmentation {
    static func apply(
        images: HostTensor, parameters: [AugmentationParameters], size: Int, threads: Int
    ) throws -> HostTensor {
        let backend = try CPUBackend.plain(threads: threads)
        return try backend.read(apply(backend.tensor(images), parameters, size: size, on: backend))
    }

    /// With another normalisation than ImageNet's.
    static func apply(
        images: HostTensor, parameters: [AugmentationParameters], size: Int, threads: Int, mean: [Float],
        deviation: [Float]
    ) throws -> HostTensor {
        let backend = try CPUBackend.plain(threads: threads)
        return try backend.read(
            backend.augment(backend.tensor(images), parameters, size: size, mean: mean, deviation: deviation))
    }
}
