import BenchmarkHarness
import HLCompute
import HLTensor

func probe(_ backend: any Backend, _ batch: Int) throws {
    func random(_ shape: [Int]) -> Tensor {
        var s = RandomKey(seed: 1, purpose: .shuffle).sequence(id: Int64(shape.count))
        return backend.tensor(HostTensor((0..<shape.reduce(1, *)).map { _ in s.uniform(-1, 1) }, shape: shape))
    }
    func best(_ body: () -> Void) -> Double {
        var times: [Double] = []
        for _ in 0..<12 { times.append(timed(body).seconds) }
        return times.sorted()[2] * 1000
    }
    func line(_ name: String, _ i: Int, _ o: Int, _ side: Int, _ w: Window) throws {
        let one = random([i, i, 1, 1]), two = random([o, o, 1, 1])
        let x =
            i % 16 == 0
            ? backend.convolution(random([batch, i, side, side]), weight: one, window: Window(size: 1))
            : random([batch, i, side, side])
        let out = w.output(side)
        let g = backend.convolution(random([batch, o, out, out]), weight: two, window: Window(size: 1))
        let weight = random([o, i, w.size, w.size])
        let f = best { _ = backend.convolution(x, weight: weight, window: w) }
        let d = best { _ = backend.convolutionInputGradient(g, weight: weight, inputShape: x.shape, window: w) }
        let v = best { _ = backend.convolutionWeightGradient(g, input: x, weightShape: weight.shape, window: w) }
        let macs = Double(batch * o * out * out * i * w.size * w.size) / 1e9
        report(
            "\(name) \(i)->\(o) @\(side) k\(w.size)s\(w.stride): fwd \(f) bwd \(d) wgt \(v) ms; GFLOP/s \(Int(2e3 * macs / f)) \(Int(2e3 * macs / d)) \(Int(2e3 * macs / v))"
        )
    }
    let three = Window(size: 3, padding: 1), four = Window(size: 4, stride: 2, padding: 1),
        two = Window(size: 2, padding: 1)
    // G conv1: upsampled + 3x3, against transposed 4x4 (roles swapped: fwd is bwd), against phases.
    for (i, o, side) in [(128, 128, 4), (128, 64, 8), (64, 32, 16)] {
        try line("G1 up3x3", i, o, 2 * side, three)
        try line("G1 transposed (o->i)", o, i, 2 * side, four)
        try line("G1 phases", i, 4 * o, side, two)
    }
    for (c, side) in [(128, 8), (64, 16), (32, 32)] {
        try line("G2", c, c, side, three)
        try line("D2 pooled", c, c, side, four)
    }
    try line("Gout", 32, 16, 32, three)
    try line("D0", 3, 32, 32, three)
    try line("D0 16", 16, 32, 32, three)
    for (i, o, side) in [(32, 64, 16), (64, 128, 8), (128, 128, 4)] { try line("D1", i, o, side, three) }
    try line("sc", 128, 128, 4, Window(size: 1))
    try line("sc", 64, 32, 16, Window(size: 1))
}
