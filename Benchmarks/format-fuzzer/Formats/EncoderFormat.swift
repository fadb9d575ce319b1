import HLCompute
import HLEncoders

/// Encoders: our own files and those of PyTorch.
struct EncoderFormat: FuzzedFormat {
    let name = "encoder"

    func read(path: String, thorough: Bool) throws {
        _ = try Encoder.load(path: path, backend: CPUBackend.plain(threads: 1))
    }
}
