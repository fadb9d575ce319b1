import HLGenerators
import HLStatistics
import HLTensor
import HLViews
import Testing

/// δ beside the distance to the class boundary of `shapes`.
struct BoundaryTests {
    private let shapes: ShapesOracle
    private let ids = HostTensor((0..<1000).map { Int64($0) }, shape: [1000])
    private let z: HostTensor

    init() throws {
        shapes = try ShapesOracle(GeneratorSpecification.named("shapes"))
        z = TruncatedNormal.standard.draw(ids: ids, perSample: 120, key: RandomKey(seed: 2, purpose: .anchor))
            .reshaped([1000, 6, 20])
    }

    /// Moves chunk 0 of every sample in a random direction, so many times as far as its boundary lies.
    private func moved(by factor: Float, chunk: Int = 0) throws -> HostTensor {
        let boundaries = shapes.classes(of: z).boundaries
        let directions = TruncatedNormal.standard.draw(
            ids: ids, perSample: 20, key: RandomKey(seed: 3, purpose: .perturbation)
        ).floats
        var values = z.floats
        for sample in 0..<1000 {
            let direction = directions[sample * 20..<(sample + 1) * 20]
            let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            for (i, value) in direction.enumerated() {
                values[sample * 120 + chunk * 20 + i] += value / length * factor * boundaries[sample]
            }
        }
        return HostTensor(values, shape: z.shape)
    }

    private func statistics(_ positives: HostTensor) throws -> BoundaryStatistics {
        var statistics = BoundaryStatistics(shapes)
        for range in [0..<1, 1..<600, 600..<1000] {
            try statistics.add(anchors: z.rows(range), positives: positives.rows(range), ids: ids.rows(range))
        }
        return statistics
    }

    /// Inside the boundary no direction changes the class; far outside many do.
    @Test func theBoundaryIsWhereTheClassChanges() throws {
        let inside = try statistics(moved(by: 0.999))
        #expect(inside.chunk == 0 && inside.beyond == Proportion(count: 0, total: 1000) && inside.changed.count == 0)
        let outside = try statistics(moved(by: 1.001))
        #expect(outside.beyond.count == 1000)
        let far = try statistics(moved(by: 100))
        #expect(far.changed.count > 600)
        let boundaries = shapes.classes(of: z).boundaries.map { Double($0) }
        #expect(abs(inside.distance.mean - boundaries.reduce(0, +) / 1000) < 1e-12)
        #expect(inside.distance.maximum == boundaries.max())
    }

    @Test func otherChunksHaveNone() throws {
        for chunk in 1..<6 {
            let statistics = try statistics(moved(by: 100, chunk: chunk))
            #expect(statistics.changed.count == 0 && statistics.beyond.count == 0)
        }
    }

    @Test func refusesLatentsWithoutAClass() throws {
        var values = z.floats
        // Along the first of the directions that score classes, a cosine.
        for i in 0..<20 { values[7 * 120 + i] = (5..<15).contains(i) ? -3e38 : 3e38 }
        let failure = #expect(throws: Failure.self) { _ = try statistics(HostTensor(values, shape: z.shape)) }
        #expect(failure?.kind == .data && failure?.what.contains("sample 7 ") == true)
    }
}
