import CCUDA
import Glibc
import HLCompute
import HLTensor
import Testing

extension ComputeTests {
    /// Memory, launches and products on a card.
    @Suite(.enabled(if: CUDALibraries.hasCard, "there is no card here"))
    struct DriverDeviceTests {
        private let device: DriverDevice

        init() throws { device = try DriverDevice(index: 0) }

        /// Memory of the card for as long as a body runs.
        private func withMemory<Result>(
            _ byteCount: Int, _ body: (UnsafeMutableRawPointer) throws -> Result
        ) throws -> Result {
            let memory = try #require(device.allocate(byteCount))
            defer { device.free(memory) }
            #expect(UInt(bitPattern: memory) % 256 == 0)
            return try body(memory)
        }

        /// A pattern that no size of a buffer is a multiple of.
        private func bytes(_ count: Int) -> [UInt8] {
            let pattern = (0..<65521).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
            var result: [UInt8] = []
            while result.count < count { result += pattern.prefix(count - result.count) }
            return result
        }

        private func download(_ memory: UnsafeRawPointer, _ count: Int) throws -> [UInt8] {
            var result = [UInt8](repeating: 0, count: count)
            try result.withUnsafeMutableBytes { try device.download(memory, into: $0) }
            return result
        }

        /// Around the sizes of the buffers between host and card.
        @Test func whatGoesUpComesDown() throws {
            for count in [1, 255, 257, 4 << 20, (4 << 20) + 1, (16 << 20) - 3, (40 << 20) + 7] {
                let values = bytes(count)
                try withMemory(count) { memory in
                    try values.withUnsafeBytes { try device.upload($0, to: memory) }
                    #expect(try download(memory, count) == values, "\(count) bytes")
                }
            }
        }

        /// Many small ones one behind the other, until buffers are used again. The source changes at once.
        @Test func manyUploads() throws {
            let count = 1 << 20, rounds = 100
            try withMemory(count * rounds) { memory in
                var values = [UInt8](repeating: 0, count: count)
                for round in 0..<rounds {
                    _ = values.withUnsafeMutableBytes { memset($0.baseAddress!, Int32(round), $0.count) }
                    try values.withUnsafeBytes { try device.upload($0, to: memory + round * count) }
                }
                let all = try download(memory, count * rounds)
                #expect(
                    (0..<rounds).allSatisfy { all[$0 * count] == UInt8($0) && all[($0 + 1) * count - 1] == UInt8($0) })
            }
        }

        @Test func copiesAndFills() throws {
            let values = bytes(10_000)
            try withMemory(20_000) { memory in
                try values.withUnsafeBytes { try device.upload($0, to: memory) }
                try device.copy(memory, to: memory + 10_000, byteCount: 10_000)
                try device.fill(memory + 100, byteCount: 50, with: 0xff)
                let all = try download(memory, 20_000)
                #expect(Array(all[10_000...]) == values)
                #expect(all[100..<150].allSatisfy { $0 == 0xff })
                #expect(
                    Array(all[..<100]) == Array(values[..<100]) && Array(all[150..<10_000]) == Array(values[150...]))
            }
        }

        @Test func aKernel() throws {
            try withMemory(4000) { memory in
                try device.fill(memory, byteCount: 4000, with: 0xff)
                let arguments = hl_cuda_fill(x: memory.assumingMemoryBound(to: Float.self), count: 999, value: 2.5)
                try withUnsafeBytes(of: arguments) {
                    try device.launch(hl_kernel_fill, grid: .over(999), arguments: $0)
                }
                let values = try download(memory, 4000).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
                #expect(values.dropLast().allSatisfy { $0 == 2.5 } && values[999].isNaN)
            }
        }

        /// All ways in which factors can lie, one product and several, with room between rows; small integers, which
        /// BF16 multiplies without an error too.
        @Test func products() throws {
            for choice in 0..<32 {
                var product = MatrixProduct(
                    rows: 5, columns: 7, depth: 3, transposeA: choice & 1 != 0, transposeB: choice & 2 != 0)
                product.accumulates = choice & 4 != 0
                product.count = choice & 8 != 0 ? 3 : 1
                product.type = choice & 16 != 0 ? .bf16 : .f32
                product.scale = 2
                product.strides = (product.strides.a + 1, product.strides.b + 3, product.strides.c + 5)
                product.steps = (64, 64, 72)
                try check(product)
            }
        }

        private func check(_ p: MatrixProduct) throws {
            func values(_ count: Int, _ factor: Int) -> [Float] { (0..<count).map { Float($0 * factor % 7 - 3) } }
            let a = values(64 * p.count, 5), b = values(64 * p.count, 3), c = values(72 * p.count, 2)
            var expected = c
            for index in 0..<p.count {
                for i in 0..<p.rows {
                    for j in 0..<p.columns {
                        var sum: Float = 0
                        for k in 0..<p.depth {
                            let left = index * p.steps.a + (p.transposeA ? k * p.strides.a + i : i * p.strides.a + k)
                            let right = index * p.steps.b + (p.transposeB ? j * p.strides.b + k : k * p.strides.b + j)
                            sum += a[left] * b[right]
                        }
                        let at = index * p.steps.c + i * p.strides.c + j
                        expected[at] = p.scale * sum + (p.accumulates ? c[at] : 0)
                    }
                }
            }
            func stored(_ values: [Float], _ type: ElementType) -> [UInt8] {
                type == .f32
                    ? values.withUnsafeBytes { Array($0) }
                    : values.map { UInt16($0.bitPattern >> 16) }.withUnsafeBytes { Array($0) }
            }
            let parts = [stored(a, p.type), stored(b, p.type), stored(c, .f32)]
            let result = try withMemory(3 << 12) { memory in
                for (index, part) in parts.enumerated() {
                    try part.withUnsafeBytes { try device.upload($0, to: memory + index << 12) }
                }
                try device.multiply(p, memory, memory + 1 << 12, memory + 2 << 12)
                return try download(memory + 2 << 12, parts[2].count)
            }
            #expect(result.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == expected, "\(p)")
        }

        /// What a card has no memory for is refused, and the card stays usable.
        @Test func tooMuch() throws {
            #expect(device.allocate(1 << 50) == nil)
            try withMemory(1) { try device.fill($0, byteCount: 1, with: 1) }
        }
    }
}
