import HLCompute

/// Operations without parameters, each with its way back beside it.
extension Pass {
    /// Max pooling, [B, C, H, W] → [B, C, H', W'].
    package func maxPool(_ x: Variable, _ window: Window) -> Variable {
        let backend = backend
        let (y, chosen) = backend.maxPool(x.value, window: window)
        return tape.result(y, from: [x]) { gradient in
            x.receive(
                backend.maxPoolBackward(gradient, chosen: chosen, inputShape: x.shape, window: window), backend)
        }
    }

    /// Mean over all positions, [B, C, H, W] → [B, C].
    package func averagePool(_ x: Variable) -> Variable {
        let backend = backend, shape = x.shape
        return tape.result(backend.averagePool(x.value), from: [x]) { gradient in
            x.receive(backend.averagePoolBackward(gradient, inputShape: shape), backend)
        }
    }

    package func relu(_ x: Variable) -> Variable {
        let backend = backend, y = backend.relu(x.value)
        return tape.result(y, from: [x]) { gradient in
            x.receive(backend.reluBackward(gradient, output: y), backend)
        }
    }

    /// Rows of [B, d] to unit length.
    package func normaliseRows(_ x: Variable) -> Variable {
        let backend = backend
        let (y, norms) = backend.normaliseRows(x.value)
        return tape.result(y, from: [x]) { gradient in
            x.receive(backend.normaliseRowsBackward(gradient, output: y, norms: norms), backend)
        }
    }
}
