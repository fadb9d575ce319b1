import HLTensor

/// The elements of any numeric tensor as F32, rounded to nearest; booleans become 0 and 1. An F32 tensor is returned
/// as it is.
package func convertedToFloat32(_ tensor: HostTensor) -> HostTensor {
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
