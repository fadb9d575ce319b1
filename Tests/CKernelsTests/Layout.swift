import CKernels

/// Activations [samples, channels, positions] in one of the layouts that hl_planes describes.
struct Layout: Sendable, CustomStringConvertible {
    let samples, channels, positions, block: Int
    /// Whether all channels of a position lie together, though they are cut into blocks.
    let isCut: Bool

    init(_ samples: Int, _ channels: Int, _ positions: Int, block: Int, isCut: Bool = false) {
        (self.samples, self.channels, self.positions, self.block) = (samples, channels, positions, block)
        self.isCut = isCut
    }

    /// Channels last.
    init(_ samples: Int, last channels: Int, _ positions: Int) {
        self.init(samples, channels, positions, block: channels)
    }

    var blocks: Int { (channels + block - 1) / block }
    /// Values from one position to the next.
    var step: Int { isCut ? blocks * block : block }
    var planes: hl_planes { planes(narrow: 0) }
    /// The same of bf16.
    var narrow: hl_planes { planes(narrow: 1) }
    /// Values in memory, padding included.
    var count: Int { samples * blocks * positions * block }
    var description: String {
        "[\(samples), \(channels), \(positions)] in \(isCut ? "cut " : "")blocks of \(block)"
    }

    /// Where a value lies.
    func index(_ sample: Int, _ channel: Int, _ position: Int) -> Int {
        if isCut { return (sample * positions + position) * step + channel }
        return ((sample * blocks + channel / block) * positions + position) * block + channel % block
    }

    private func planes(narrow: Int32) -> hl_planes {
        hl_planes(samples: samples, blocks: blocks, positions: positions, block: block, step: step, narrow: narrow)
    }

    /// From row-major; the padding is `filling`.
    func pack<Value>(_ plain: [Value], filling: Value) -> [Value] {
        var result = [Value](repeating: filling, count: count)
        forEach { plainIndex, index in result[index] = plain[plainIndex] }
        return result
    }

    func unpack<Value>(_ packed: [Value]) -> [Value] {
        var result = Array(packed.prefix(samples * channels * positions))
        forEach { plainIndex, index in result[plainIndex] = packed[index] }
        return result
    }

    /// Calls `body` with the row-major index and the one in this layout.
    private func forEach(_ body: (Int, Int) -> Void) {
        var plainIndex = 0
        for n in 0..<samples {
            for c in 0..<channels {
                for i in 0..<positions {
                    body(plainIndex, index(n, c, i))
                    plainIndex += 1
                }
            }
        }
    }
}
