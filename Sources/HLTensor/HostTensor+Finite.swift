extension HostTensor {
    /// Where the first NaN or infinity of an F32 tensor is, counted in elements.
    package var firstNonFinite: Int? {
        withUnsafeElements(as: Float.self) { values in
            // The sum of a block is a number if all of them are and none is huge.
            for start in stride(from: 0, to: values.count, by: 4096) {
                let block = start..<min(start + 4096, values.count)
                var sum: Float = 0
                for i in block { sum += abs(values[i]) }
                if !sum.isFinite, let index = block.first(where: { !values[$0].isFinite }) { return index }
            }
            return nil
        }
    }

    /// Where the first value of an F32 tensor outside a range is, a NaN included, counted in elements.
    package func firstElement(outside range: ClosedRange<Float>) -> Int? {
        withUnsafeElements(as: Float.self) { values in
            let (low, high) = (range.lowerBound, range.upperBound)
            for start in stride(from: 0, to: values.count, by: 4096) {
                let block = start..<min(start + 4096, values.count)
                var strays: UInt32 = 0
                for i in block {
                    strays &+= values[i] >= low ? 0 : 1
                    strays &+= values[i] <= high ? 0 : 1
                }
                if strays > 0 { return block.first { !range.contains(values[$0]) } }
            }
            return nil
        }
    }

    /// For F32 tensors with an entry of the first dimension for each sample.
    /// - Parameters:
    ///   - name: of the tensor, for the message.
    ///   - ids: I64 [B].
    /// - Throws: `Failure(.data)` naming the first sample that holds a NaN or an infinity.
    package func requireFinite(_ name: String, ids: HostTensor, remedy: String = Failure.straying) throws {
        guard let bad = firstNonFinite else { return }
        throw Failure.notFinite("\(name) of sample \(ids.integers[bad / max(1, rowSize)])", remedy: remedy)
    }
}

extension Failure {
    /// What to do about numbers of a stream that are none.
    package static let straying = "find the stage that made it; a diverged walker or encoder is one cause"

    package static func notFinite(_ what: String, remedy: String = straying) -> Failure {
        Failure(.data, "\(what) holds a NaN or an infinity", remedy)
    }
}
