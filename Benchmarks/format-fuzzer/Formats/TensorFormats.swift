import HLFormats

/// Tensors by name, as latents and checkpoints are read.
struct SafetensorsFormat: FuzzedFormat {
    let name = "safetensors"

    func read(path: String, thorough: Bool) throws { _ = try Safetensors.read(path: path) }
}

/// NumPy's arrays, as latents are read.
struct NpyFormat: FuzzedFormat {
    let name = "npy"

    func read(path: String, thorough: Bool) throws { _ = try Npy.readFloats(path: path) }
}
