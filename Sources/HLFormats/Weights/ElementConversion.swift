import HLTensor

/// The elements of any real tensor as F32, rounded to nearest; booleans become 0 and 1. An F32 tensor is returned as it
/// is.
/// - Parameter name: of the tensor, for messages.
/// - Throws: `Failure` of kind `data` for complex numbers.
package func convertedToFloat32(_ tensor: HostTensor, name: String = "a tensor") throws -> HostTensor {
    switch tensor.type {
    case .f32: tensor
    case .bool: converted(tensor, from: UInt8.self) { $0 == 0 ? 0 : 1 }
    case .u8: converted(tensor, from: UInt8.self) { Float($0) }
    case .i8: converted(tensor, from: Int8.self) { Float($0) }
    case .u16: converted(tensor, from: UInt16.self) { Float($0) }
    case .i16: converted(tensor, from: Int16.self) { Float($0) }
    case .u32: converted(tensor, from: UInt32.self) { Float($0) }
    case .i32: converted(tensor, from: Int32.self) { Float($0) }
    case .u64: converted(tensor, from: UInt64.self) { Float($0) }
    case .i64: converted(tensor, from: Int64.self) { Float($0) }
    case .f64: converted(tensor, from: Double.self) { Float($0) }
    case .bf16: converted(tensor, from: UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .f16: converted(tensor, from: UInt16.self, floatFromHalf)
    case .f8e5m2: converted(tensor, from: UInt8.self) { floatFromHalf(UInt16($0) << 8) }
    case .f8e4m3: converted(tensor, from: UInt8.self, floatFromE4M3)
    case .f8e8m0:
        converted(tensor, from: UInt8.self) {
            $0 == 0xFF ? .nan : Float(sign: .plus, exponent: Int($0) - 127, significand: 1)
        }
    case .c64:
        throw Failure(
            .data, "\(name) holds complex numbers (C64), and real ones are wanted",
            "convert it to F32 and save it again")
    }
}

private func converted<Element: BitwiseCopyable>(
    _ tensor: HostTensor, from _: Element.Type, _ convert: (Element) -> Float
) -> HostTensor {
    HostTensor(.f32, shape: tensor.shape) { target in
        tensor.withUnsafeElements(as: Element.self) { source in
            let values = target.bindMemory(to: Float.self)
            for index in source.indices { values[index] = convert(source[index]) }
        }
    }
}

/// The F8_E4M3 of machine learning to binary32: 4 bits of exponent, 3 of the fraction, no infinities; exact.
private func floatFromE4M3(_ bits: UInt8) -> Float {
    let exponent = Int(bits >> 3 & 15), fraction = Float(bits & 7)
    let magnitude: Float =
        bits & 0x7F == 0x7F
        ? .nan
        : exponent == 0 ? fraction * 0x1p-9 : Float(sign: .plus, exponent: exponent - 7, significand: 1 + fraction / 8)
    return bits & 0x80 == 0 ? magnitude : -magnitude
}

/// IEEE binary16 to binary32; exact. Written out because Swift's Float16 is missing on some platforms.
private func floatFromHalf(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:
        // Subnormal: a multiple of 2^-24.
        let magnitude = Float(fraction) * 0x1p-24
        return Float(bitPattern: magnitude.bitPattern | sign)
    case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}
