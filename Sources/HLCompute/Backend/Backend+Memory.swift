import HLTensor

/// Memory and sizes, composed of primitives.
extension Backend {
    /// What people are told, too.
    package var kind: String { summary }

    /// None.
    package var hasTF32: Bool { false }

    /// Never.
    package var roundsToTF32: Bool {
        get { false }
        set {}
    }

    package func tensor(_ host: HostTensor) -> Tensor {
        tensor(host.type, shape: host.shape) { target in
            host.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }

    /// I32 [n]: indices of rows, targets.
    package func indices(_ values: [Int32]) -> Tensor {
        tensor(.i32, shape: [values.count]) { target in values.withUnsafeBytes { target.copyMemory(from: $0) } }
    }

    package func copy(_ source: Tensor) -> Tensor { rows(source, 0..<source.shape[0]) }

    package func freeze(_ weight: Tensor) {}

    package func concatenate(_ parts: [Tensor]) -> Tensor {
        if parts.count == 1 { return copy(parts[0]) }
        let shape = [parts.reduce(0) { $0 + $1.shape[0] }] + parts[0].shape.dropFirst()
        let result = tensor(parts[0].type, shape: shape) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
        var position = 0
        for part in parts {
            assignRows(part, to: result, at: position)
            position += part.shape[0]
        }
        return result
    }

    /// Sixteen at most, and fewer where their largest activations would go beyond a hundred megabytes.
    package func renderBatch(side: Int) -> Int { max(1, min(16, 1024 / side)) }

    /// Sixteen of 128 pixels: three gigabytes of BigBiGAN's activations.
    package func recordedSamples(side: Int) -> Int { max(1, (16 << 14) / (side * side)) }
}
