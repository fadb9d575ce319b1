import HLTensor

/// Wide kernels, composed of primitives: a matrix product for the taps, and an order of rows for the channels.
extension Backend {
    package func widened(_ weight: Tensor, _ widening: KernelWidening) -> Tensor {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1]), pairs = outputs * inputs
        let wide = matmul(
            reshaped(weight, [pairs, 9]), taps(widening), transposeA: false, transposeB: false)
        guard widening == .upsampling else { return reshaped(wide, widening.shape(of: weight.shape)) }
        let order = (0..<pairs).map { Int32($0 % outputs * inputs + $0 / outputs) }
        return reshaped(rows(wide, at: indices(order)), widening.shape(of: weight.shape))
    }

    package func widenedBackward(_ gradient: Tensor, weightShape: [Int], _ widening: KernelWidening) -> Tensor {
        let (outputs, inputs) = (weightShape[0], weightShape[1]), pairs = outputs * inputs
        var wide = reshaped(gradient, [pairs, 16])
        if widening == .upsampling {
            wide = rows(wide, at: indices((0..<pairs).map { Int32($0 % inputs * outputs + $0 / inputs) }))
        }
        return reshaped(matmul(wide, taps(widening), transposeA: false, transposeB: true), weightShape)
    }

    /// [9, 16]: what each tap of the wide kernel has of the narrow one's.
    private func taps(_ widening: KernelWidening) -> Tensor {
        var values = [Float](repeating: 0, count: 9 * 16)
        for narrow in 0..<9 {
            for place in 0..<16 {
                let (p, q) = widening == .upsampling ? (3 - place / 4, 3 - place % 4) : (place / 4, place % 4)
                if (0...1).contains(p - narrow / 3), (0...1).contains(q - narrow % 3) {
                    values[narrow * 16 + place] = widening.scale
                }
            }
        }
        return tensor(HostTensor(values, shape: [9, 16]))
    }
}
