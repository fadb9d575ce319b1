import HLFormats

/// Tensors by name, as latents and checkpoints are read.
struct SafetensorsFormat: FuzzedFormat {
    let name = "safetensors"

    func read(path: String, thorough: Bool) throws { _ = try Safetensors.read(path: path) }
}

/// NumPy's arrays, as latents are read.
struct NpyFormat: FuzzedFormat {
    let name = "npy"

    func read(path: String, thorough: Bool) throws { _ = try convertedToFloat32(Npy.read(path: path)) }
}

/// NumPy's archives of arrays, as latents are read.
struct NpzFormat: FuzzedFormat {
    let name = "npz"

    func read(path: String, thorough: Bool) throws {
        let archive = try Npz(PeekingSource(path: path).readAll(), name: path)
        for name in archive.names { _ = try archive.array(name).map { try convertedToFloat32($0) } }
    }
}
