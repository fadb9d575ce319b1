import CKernels
import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import Testing

/// The built-in generator against its own description: labels, boundaries, defects, gradients, and independence of
/// the batch.
@Suite struct ShapesTests {
    static let latentSize = 120

    /// Latents N^t(0, 1, 2), as anchors are drawn.
    static func latents(_ count: Int, seed: UInt64) -> [Float] {
        let key = RandomKey(seed: seed, purpose: .anchor)
        return [Float](unsafeUninitializedCapacity: count * latentSize) { values, filled in
            hl_truncated_normal(key.low, key.high, 0, count, latentSize, 0, 1, 2, values.baseAddress)
            filled = count * latentSize
        }
    }

    static func generator(size: Int = 64, clean: Bool = false, threads: Int = 1) throws -> Shapes {
        try Shapes(
            GeneratorSpecification.named("shapes", resolution: size, options: clean ? ["--clean": true] : [:]),
            on: CPUBackend.plain(threads: threads))
    }

    static func oracle() throws -> ShapesOracle { try ShapesOracle(GeneratorSpecification.named("shapes")) }

    @Test func pixelsDependOnTheirLatentAlone() throws {
        let z = HostTensor(Self.latents(20, seed: 1), shape: [20, 6, 20])
        let together = try Self.generator(threads: 2).render(z)
        for index in [0, 7, 19] {
            let alone = try Self.generator().render(z.rows(index..<index + 1))
            #expect(alone.floats == together.rows(index..<index + 1).floats)
        }
        #expect(together.floats.allSatisfy { (0...1).contains($0) })
    }

    @Test func chunkZeroAloneDecidesTheClass() throws {
        let shapes = try Self.oracle()
        let a = Self.latents(500, seed: 2)
        var b = Self.latents(500, seed: 3)
        for sample in 0..<500 {
            for index in 0..<20 { b[sample * 120 + index] = a[sample * 120 + index] }
        }
        let labels = shapes.labels(of: HostTensor(a, shape: [500, 6, 20])).integers
        #expect(labels == shapes.labels(of: HostTensor(b, shape: [500, 6, 20])).integers)
        // About a tenth each: 50 expected, standard deviation below 7.
        for label in 0..<10 { #expect((20...85).contains(labels.filter { $0 == label }.count)) }
    }

    /// No step shorter than the boundary's distance leaves the class.
    @Test func boundaryIsTheLeastDistance() throws {
        let z = Self.latents(100, seed: 4), directions = Self.latents(100, seed: 5)
        let truths = try Self.oracle().truths(of: HostTensor(z, shape: [100, 6, 20]))
        var moved = z
        for sample in 0..<100 {
            let start = sample * 120
            let norm = (0..<20).reduce(Float(0)) { $0 + directions[start + $1] * directions[start + $1] }.squareRoot()
            for index in 0..<20 {
                moved[start + index] += 0.999 * truths[sample].boundary * directions[start + index] / norm
            }
        }
        let after = try Self.oracle().truths(of: HostTensor(moved, shape: [100, 6, 20]))
        #expect(zip(truths, after).allSatisfy { $0.label == $1.label })
        #expect(truths.allSatisfy { $0.boundary > 0 })
    }

    @Test func aFixedShareIsDefectiveUnlessClean() throws {
        let z = HostTensor(Self.latents(2000, seed: 6), shape: [2000, 6, 20])
        let defective = try Self.oracle().truths(of: z).enumerated().filter { $0.element.defect != 0 }.map(\.offset)
        #expect((320...480).contains(defective.count))
        let few = z.gather(Array(defective.prefix(5)))
        #expect(try Self.generator().render(few).floats != Self.generator(clean: true).render(few).floats)
        let sound = z.gather(Array((0..<2000).filter { !defective.contains($0) }.prefix(5)))
        #expect(try Self.generator().render(sound).floats == Self.generator(clean: true).render(sound).floats)
    }

    /// dL/dz of L = Σ c · image against central differences along the gradient itself. Single pixels have kinks, so that
    /// the median over samples is judged.
    @Test(arguments: [32, 64]) func gradientFollowsFiniteDifferences(size: Int) throws {
        let count = 24, pixels = 3 * size * size
        let z = Self.latents(count, seed: 7)
        var random = RandomKey(seed: 8, purpose: .mixing).sequence(id: 0)
        let cotangent = (0..<count * pixels).map { _ in random.uniform(-1, 1) }
        var gradient = [Float](repeating: 0, count: count * 120)
        hl_shapes_gradient(z, cotangent, &gradient, Int32(count), Int32(size), 0)
        func loss(_ z: [Float]) -> [Double] {
            var images = [Float](repeating: 0, count: count * pixels)
            hl_shapes_render(z, &images, Int32(count), Int32(size), 0)
            return (0..<count).map { sample in
                (sample * pixels..<(sample + 1) * pixels).reduce(0.0) {
                    $0 + Double(images[$1]) * Double(cotangent[$1])
                }
            }
        }
        let norms = (0..<count).map { sample in
            (sample * 120..<(sample + 1) * 120).reduce(0.0) { $0 + Double(gradient[$1] * gradient[$1]) }.squareRoot()
        }
        let step = 2e-3
        func moved(_ sign: Double) -> [Float] {
            z.indices.map { z[$0] + Float(sign * step * Double(gradient[$0]) / norms[$0 / 120]) }
        }
        let high = loss(moved(1)), low = loss(moved(-1))
        let errors = (0..<count).map { abs((high[$0] - low[$0]) / (2 * step) - norms[$0]) / norms[$0] }.sorted()
        #expect(norms.allSatisfy { $0 > 0 && $0.isFinite })
        #expect(errors[count / 2] < 5e-3)
        #expect(errors[count * 3 / 4] < 3e-2)
    }

    @Test func extremeLatentsStayFinite() throws {
        let z = HostTensor(Self.latents(8, seed: 9).map { $0 * 1e20 }, shape: [8, 6, 20])
        #expect(try Self.generator(size: 16).render(z).floats.allSatisfy { (0...1).contains($0) })
    }

    @Test func refusesWhatItCannotRender() {
        #expect(throws: Failure.self) { try GeneratorSpecification.named("shapes", resolution: 8) }
        #expect(throws: Failure.self) { try GeneratorSpecification.named("stylegan2", resolution: 384) }
        #expect(throws: Failure.self) { try GeneratorSpecification.named("bigbigan", options: ["--clean": true]) }
        #expect(throws: Failure.self) { try GeneratorSpecification.named("biggan") }
    }
}

extension Shapes {
    /// Images of z alone.
    fileprivate func render(_ z: HostTensor) throws -> HostTensor {
        try hostImages(Latents(z, ids: HostTensor([Int64](repeating: 0, count: z.rowCount), shape: [z.rowCount])))
    }
}
