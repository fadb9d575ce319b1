/// A linear map from one side of an image to another: every output is a weighted sum over neighbouring inputs.
package struct ResampleTaps: Sendable, Equatable {
    /// Pixels along the input.
    package let inputCount: Int
    /// The first input of every output.
    package private(set) var starts: [Int32] = []
    /// Inputs of every output.
    package private(set) var counts: [Int32] = []
    /// [outputs, most]
    package private(set) var weights: [Float] = []
    /// The greatest of `counts`.
    package let most: Int

    /// Pixels along the output.
    package var outputCount: Int { starts.count }

    /// - Parameter rows: for each output the first input and the weights from there on, all within 0..<inputCount.
    package init(inputCount: Int, rows: [(start: Int, weights: [Float])]) {
        self.inputCount = inputCount
        most = rows.map(\.weights.count).max() ?? 0
        for (start, row) in rows {
            precondition(start >= 0 && start + row.count <= inputCount)
            starts.append(Int32(start))
            counts.append(Int32(row.count))
            weights += row + [Float](repeating: 0, count: most - row.count)
        }
    }

    /// The square in the middle, `side` of `inputCount`. Half a pixel of offset goes to the even neighbour, as in
    /// torchvision's CenterCrop.
    package static func centreCrop(of inputCount: Int, to side: Int) -> ResampleTaps {
        precondition(side <= inputCount)
        let first = Int((Double(inputCount - side) / 2).rounded(.toNearestOrEven))
        return ResampleTaps(inputCount: inputCount, rows: (0..<side).map { (first + $0, [1]) })
    }

    /// Bilinear resizing with pixel centres at ½, as torch's `interpolate(mode="bilinear", align_corners=False)`.
    /// - Parameter antialias: widen the triangle by the factor of reduction, as torchvision's Resize does.
    package static func bilinear(from inputCount: Int, to count: Int, antialias: Bool) -> ResampleTaps {
        let scale = Double(inputCount) / Double(count)
        let rows = (0..<count).map { index -> (start: Int, weights: [Float]) in
            let centre = (Double(index) + 0.5) * scale
            guard antialias else {
                // Beyond the outermost pixel centres the border pixel counts alone.
                let position = max(0, centre - 0.5)
                let first = min(Int(position), inputCount - 1)
                let part = position - Double(first)
                return first + 1 < inputCount ? (first, [Float(1 - part), Float(part)]) : (first, [1])
            }
            let support = max(scale, 1)
            let first = max(0, Int(centre - support + 0.5)), last = min(inputCount, Int(centre + support + 0.5))
            let values = (first..<last).map { max(0, 1 - abs((Double($0) + 0.5 - centre) / support)) }
            let sum = values.reduce(0, +)
            return (first, values.map { Float($0 / sum) })
        }
        return ResampleTaps(inputCount: inputCount, rows: rows)
    }

    /// First this map, then `next`.
    package func followed(by next: ResampleTaps) -> ResampleTaps {
        precondition(next.inputCount == outputCount)
        let rows = (0..<next.outputCount).map { index -> (start: Int, weights: [Float]) in
            var sums: [Int: Float] = [:]
            for k in 0..<Int(next.counts[index]) {
                let middle = Int(next.starts[index]) + k, factor = next.weights[index * next.most + k]
                for j in 0..<Int(counts[middle]) {
                    sums[Int(starts[middle]) + j, default: 0] += factor * weights[middle * most + j]
                }
            }
            guard let first = sums.keys.min(), let last = sums.keys.max() else { return (0, []) }
            return (first, (first...last).map { sums[$0] ?? 0 })
        }
        return ResampleTaps(inputCount: inputCount, rows: rows)
    }

    /// The adjoint map, through which gradients go back.
    package var transposed: ResampleTaps {
        var columns = [(start: Int, weights: [Float])](repeating: (0, []), count: inputCount)
        for output in 0..<outputCount {
            for k in 0..<Int(counts[output]) {
                let input = Int(starts[output]) + k
                if columns[input].weights.isEmpty { columns[input].start = output }
                // Outputs come in order, but need not all touch this input.
                while columns[input].start + columns[input].weights.count < output { columns[input].weights.append(0) }
                columns[input].weights.append(weights[output * most + k])
            }
        }
        return ResampleTaps(inputCount: outputCount, rows: columns)
    }
}
