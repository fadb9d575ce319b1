import HLTensor

/// Numbers of a naive reference, in Double and row-major.
struct Values {
    let shape: [Int]
    var data: [Double]

    init(_ shape: [Int], _ data: [Double]) {
        precondition(shape.reduce(1, *) == data.count)
        self.shape = shape
        self.data = data
    }

    init(zeros shape: [Int]) { self.init(shape, [Double](repeating: 0, count: shape.reduce(1, *))) }

    /// The values that a backend was given or gave.
    init(_ host: HostTensor) {
        let data: [Double] =
            switch host.type {
            case .f32: host.floats.map(Double.init)
            case .u8: host.withUnsafeBytes { $0.map(Double.init) }
            case .i32: host.withUnsafeElements(as: Int32.self) { $0.map(Double.init) }
            default: preconditionFailure("no backend holds \(host.type)")
            }
        self.init(host.shape, data)
    }

    var count: Int { data.count }

    /// Positions behind the first two dimensions.
    var positions: Int { shape.dropFirst(2).reduce(1, *) }

    subscript(_ i: Int, _ j: Int) -> Double {
        get { data[i * shape[1] + j] }
        set { data[i * shape[1] + j] = newValue }
    }

    subscript(_ b: Int, _ c: Int, _ y: Int, _ x: Int) -> Double {
        get { data[((b * shape[1] + c) * shape[2] + y) * shape[3] + x] }
        set { data[((b * shape[1] + c) * shape[2] + y) * shape[3] + x] = newValue }
    }

    /// Sample b, channel c, position i of whatever lies behind the channels.
    subscript(plane b: Int, _ c: Int, _ i: Int) -> Double {
        get { data[(b * shape[1] + c) * positions + i] }
        set { data[(b * shape[1] + c) * positions + i] = newValue }
    }

    func map(_ body: (Double) -> Double) -> Values { Values(shape, data.map(body)) }

    func combined(_ other: Values, _ body: (Double, Double) -> Double) -> Values {
        precondition(shape == other.shape)
        return Values(shape, zip(data, other.data).map(body))
    }

    /// Entries of the first dimension.
    func rows(_ indices: [Int]) -> Values {
        let size = count / shape[0]
        return Values(
            [indices.count] + shape.dropFirst(), indices.flatMap { Array(data[$0 * size..<($0 + 1) * size]) })
    }

    func dot(_ other: Values) -> Double { zip(data, other.data).reduce(0) { $0 + $1.0 * $1.1 } }

    /// Greatest difference over the greatest magnitude of `expected`; infinite where a value is not finite.
    func deviation(from expected: Values) -> Double {
        guard shape == expected.shape else { return .infinity }
        var difference = 0.0, scale = 1e-30
        for (a, b) in zip(data, expected.data) {
            guard a.isFinite, b.isFinite else { return .infinity }
            difference = max(difference, abs(a - b))
            scale = max(scale, abs(b))
        }
        return difference / scale
    }
}
