import CKernels
import HLTensor

/// The numbers that `formula.py` and these tests both compute, so that no weights need to be stored.
/// `README.md` defines them; names and order here follow it.
package enum Formula {
    private static let keyLow: UInt32 = 0x51ED_270B

    package static func fnv1a(_ name: String) -> UInt32 {
        name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    /// U in [0, 1), multiples of 2⁻²⁴.
    package static func uniform(_ name: String, _ count: Int) -> [Float] {
        var words = [UInt32](repeating: 0, count: count)
        let id: Int64 = 0
        withUnsafePointer(to: id) { hl_random_words(keyLow, fnv1a(name), $0, 1, count, &words) }
        return words.map { Float($0 >> 8) * 0x1p-24 }
    }

    /// `value` of U, computed in double and rounded once.
    package static func array(_ name: String, _ shape: [Int], _ value: (Double) -> Double) -> HostTensor {
        HostTensor(uniform(name, shape.reduce(1, *)).map { Float(value(Double($0))) }, shape: shape)
    }

    package static func centred(_ name: String, _ shape: [Int]) -> HostTensor { array(name, shape) { $0 - 0.5 } }

    /// A parameter or running statistic by the plain formula.
    /// - Parameter ofNorm: whether it belongs to a batch norm, whose biases differ from those of linear layers.
    package static func state(_ name: String, _ shape: [Int], ofNorm: Bool) -> HostTensor {
        if name.hasSuffix("running_mean") { return array(name, shape) { ($0 - 0.5) * 0.2 } }
        if name.hasSuffix("running_var") { return array(name, shape) { 0.5 + $0 } }
        if name.hasSuffix("bias") { return array(name, shape) { ($0 - 0.5) * (ofNorm ? 0.2 : 0.1) } }
        guard shape.count > 1 else { return array(name, shape) { 0.5 + $0 } }
        let bound = (6 / Double(shape.dropFirst().reduce(1, *))).squareRoot()
        return array(name, shape) { (2 * $0 - 1) * bound }
    }

    /// The same for a backbone, without prefix: damped branches, pre-activations away from zero.
    package static func backboneState(_ name: String, _ shape: [Int], lastNorm: String) -> HostTensor {
        if name.hasPrefix("layer"), name.hasSuffix("\(lastNorm).weight") {
            return array(name, shape) { (0.5 + $0) * 0.25 }
        }
        if name.hasSuffix("bias") { return array(name, shape) { ($0 - 0.5) * 0.2 + ($0 < 0.25 ? -3 : 3) } }
        return state(name, shape, ofNorm: true)
    }

    /// Normalised pictures of 4 × 4 coloured squares under noise, [count, 3, side, side].
    package static func images(_ name: String, _ scene: String, _ count: Int, _ side: Int) -> HostTensor {
        let mean: [Float] = [0.485, 0.456, 0.406], deviation: [Float] = [0.229, 0.224, 0.225]
        let squares = uniform(scene, count * 48), noise = uniform(name, count * 3 * side * side)
        var pixels = noise
        for index in pixels.indices {
            let column = index % side, row = index / side % side, plane = index / (side * side)
            let square = squares[plane * 16 + row * 4 / side * 4 + column * 4 / side]
            let pixel = 0.75 * square + 0.25 * noise[index]
            pixels[index] = (pixel - mean[plane % 3]) / deviation[plane % 3]
        }
        return HostTensor(pixels, shape: [count, 3, side, side])
    }

    /// Pixels of no picture, U8 [count, 3, side, side].
    package static func pixels(_ count: Int, side: Int) -> HostTensor {
        let values = uniform("encoder.images", count * 3 * side * side)
        return HostTensor(.u8, shape: [count, 3, side, side]) { bytes in
            for (index, value) in values.enumerated() { bytes[index] = UInt8(value * 255) }
        }
    }

    /// L2 norm, sum, and the entries at ⌊(2k + 1) n / 16⌋.
    package static func summary(_ tensor: HostTensor) -> [Double] {
        let values = tensor.floats.map(Double.init)
        let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return [norm, values.reduce(0, +)] + (0..<8).map { values[(2 * $0 + 1) * values.count / 16] }
    }
}
