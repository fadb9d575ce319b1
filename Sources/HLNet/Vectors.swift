/// Arithmetic of long float64 vectors on the host, each sum in one order whatever the machine.
package enum Vectors {
    /// Σ a b, in eight partial sums.
    package static func dot(_ a: [Double], _ b: [Double]) -> Double {
        precondition(a.count == b.count)
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var sums = SIMD8<Double>.zero
                let whole = a.count / 8 * 8
                var index = 0
                while index < whole {
                    let (x, y) = (load(a, index), load(b, index))
                    sums += x * y
                    index += 8
                }
                var total = sums.sum()
                for index in whole..<a.count { total += a[index] * b[index] }
                return total
            }
        }
    }

    /// √Σ a².
    package static func length(_ a: [Double]) -> Double { dot(a, a).squareRoot() }

    /// The largest absolute entry; 0 of none, NaN where one is.
    package static func largest(_ a: [Double]) -> Double {
        a.withUnsafeBufferPointer { a in
            var largest = 0.0
            for value in a {
                if value.isNaN { return value }
                largest = max(largest, abs(value))
            }
            return largest
        }
    }

    /// a − b.
    package static func difference(_ a: [Double], _ b: [Double]) -> [Double] { combined(a, b) { $0 - $1 } }

    /// a b, entry by entry.
    package static func product(_ a: [Double], _ b: [Double]) -> [Double] { combined(a, b) { $0 * $1 } }

    /// a + factor b.
    package static func sum(_ a: [Double], _ factor: Double, _ b: [Double]) -> [Double] {
        combined(a, b) { $0 + factor * $1 }
    }

    /// target += factor a.
    package static func add(_ factor: Double, _ a: [Double], to target: inout [Double]) {
        precondition(a.count == target.count)
        a.withUnsafeBufferPointer { a in
            target.withUnsafeMutableBufferPointer { target in
                for index in a.indices { target[index] += factor * a[index] }
            }
        }
    }

    /// target *= factor.
    package static func scale(_ target: inout [Double], by factor: Double) {
        target.withUnsafeMutableBufferPointer { target in
            for index in target.indices { target[index] *= factor }
        }
    }

    @inline(__always)
    private static func combined(_ a: [Double], _ b: [Double], _ body: (Double, Double) -> Double) -> [Double] {
        precondition(a.count == b.count)
        return [Double](unsafeUninitializedCapacity: a.count) { target, count in
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    for index in a.indices { target[index] = body(a[index], b[index]) }
                }
            }
            count = a.count
        }
    }

    @inline(__always)
    private static func load(_ a: UnsafeBufferPointer<Double>, _ index: Int) -> SIMD8<Double> {
        UnsafeRawPointer(a.baseAddress! + index).loadUnaligned(as: SIMD8<Double>.self)
    }
}
