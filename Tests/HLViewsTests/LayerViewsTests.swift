import HLCompute
import HLFormats
import HLGenerators
import HLTensor
import HLViews
import Testing

/// A mapping network of 4 layers of 3: layer l of w is (z₀ − z₁, z₂, z₃) + l. It counts its calls.
private final class FakeMapper: LatentMapper {
    private(set) var blocks: [Int] = []

    let backend: any Backend = try! CPUBackend.plain(threads: 1)
    let mappedShape = LatentShape(chunks: 4, dimension: 3)

    func mapped(_ z: Tensor) -> Tensor {
        blocks.append(z.shape[0])
        let values = (try? backend.read(z).floats) ?? []
        let w = (0..<z.shape[0]).flatMap { Self.layers(Array(values[$0 * 4..<$0 * 4 + 4])) }
        return backend.tensor(HostTensor(w, shape: [z.shape[0], 12]))
    }

    static func layers(_ z: [Float]) -> [Float] {
        (0..<4).flatMap { layer in [z[0] - z[1], z[2], z[3]].map { $0 + Float(layer) } }
    }
}

private let base = LatentShape(chunks: 1, dimension: 4)
private let mapped = LatentShape(chunks: 4, dimension: 3)

private func ids(_ range: Range<Int64>) -> HostTensor { HostTensor(Array(range), shape: [range.count]) }

/// Anchors of the ids.
private func anchors(_ ids: HostTensor) -> HostTensor {
    TruncatedNormal.standard.draw(ids: ids, perSample: 4, key: RandomKey(seed: 3, purpose: .anchor))
        .reshaped([ids.rowCount, 1, 4])
}

/// Row `row` of a tensor.
private func row(_ tensor: HostTensor?, _ row: Int) -> [Float] { tensor?.rows(row..<row + 1).floats ?? [] }

private struct NoMapper: Error {}

struct MappingBlockTests {
    @Test(arguments: [0, 1, 63, 64, 65, 130])
    func blocksAreSmall(count: Int) throws {
        let mapper = FakeMapper()
        let z = anchors(ids(0..<Int64(count)))
        let w = try mapper.map(z)
        #expect(w.shape == [count, 4, 3])
        #expect(mapper.blocks.reduce(0, +) == count && mapper.blocks.allSatisfy { $0 <= mappingBlock })
        for sample in 0..<count { #expect(row(w, sample) == FakeMapper.layers(row(z, sample))) }
    }
}

struct LayerViewsTests {
    private func groups(_ texts: [String]) throws -> [PerturbationGroup] {
        try texts.map { try PerturbationGroup(parsing: $0) }
    }

    private func views(_ perturbation: RandomPerturbation) throws -> LayerViews {
        try LayerViews(Perturbation(noise: perturbation, spread: perturbation.spread), base: base, mapped: mapped)
    }

    @Test func eachGroupTakesTheLayersOfItsOwnNoise() throws {
        let perturbation = try RandomPerturbation(
            groups: groups(["0:std=0.3,trunc=1", "2-3:std=0.8,trunc=1"]), seed: 5, views: 2)
        let views = try views(perturbation)
        #expect(!views.needsNoMapping && views.viewCount == 2)
        let samples = ids(7..<12), z = anchors(samples)
        let result = try views.tensors(z: z, w: nil, ids: samples) { FakeMapper() }
        #expect(result.names == ["w.0", "w.1", "w.2"])
        for view in 1...2 {
            let noises = (0...1).map { perturbation.noise(view: view, group: $0, ids: samples, dimension: 4) }
            for sample in 0..<5 {
                let anchor = row(z, sample)
                let moved = noises.map { FakeMapper.layers(zip(anchor, row($0, sample)).map { $0 + $1 }) }
                let kept = FakeMapper.layers(anchor)
                #expect(row(result["w.0"], sample) == kept)
                #expect(
                    row(result["w.\(view)"], sample)
                        == Array(moved[0][0..<3] + kept[3..<6] + moved[1][6..<12]))
            }
        }
    }

    @Test func allLayersTogetherNeedNoMapping() throws {
        let perturbation = try RandomPerturbation(groups: groups(["0-3:std=0.15,trunc=0.9"]), seed: 1, views: 2)
        let views = try views(perturbation)
        #expect(views.needsNoMapping)
        let samples = ids(0..<3), z = anchors(samples)
        let result = try views.tensors(z: z, w: nil, ids: samples) { throw NoMapper() }
        #expect(result.names == ["z.1", "z.2"])
        for view in 1...2 {
            let noise = perturbation.noise(view: view, group: 0, ids: samples, dimension: 4)
            #expect(result["z.\(view)"]?.floats == zip(z.floats, noise.floats).map { $0 + $1 })
            #expect(result["z.\(view)"]?.shape == [3, 1, 4])
        }
        // Two groups of all layers have noise of their own.
        let apart = try self.views(RandomPerturbation(groups: groups(["0-1", "2-3"]), seed: 1))
        #expect(!apart.needsNoMapping)
    }

    @Test func mappedAnchorsAreKeptAndGetMappedViews() throws {
        let samples = ids(0..<2), z = anchors(samples)
        let w = HostTensor((0..<24).map { Float($0) * 10 }, shape: [2, 4, 3])
        let some = try views(RandomPerturbation(groups: groups(["1"]), seed: 2))
        let result = try some.tensors(z: z, w: w, ids: samples) { FakeMapper() }
        #expect(result["w.0"]?.floats == w.floats)
        for sample in 0...1 {
            let (before, after) = (row(w, sample), row(result["w.1"], sample))
            #expect(after[0..<3] == before[0..<3] && after[6...] == before[6...] && after[3] != before[3])
        }
        let all = try views(RandomPerturbation(groups: groups(["0-3"]), seed: 2))
        let whole = try all.tensors(z: z, w: w, ids: samples) { FakeMapper() }
        #expect(whole.names == ["z.1", "w.1"])
        for sample in 0...1 { #expect(row(whole["w.1"], sample) == FakeMapper.layers(row(whole["z.1"], sample))) }
    }

    /// A sample whose group stays keeps the anchor's layers, also where another mapping made them.
    @Test func groupsThatStayKeepTheAnchorsLayers() throws {
        let texts = ["0", "2-3:std=0.5..1"], samples = ids(0..<64), z = anchors(samples)
        let some = try RandomPerturbation(
            groups: groups(texts.map { $0 + (texts[0] == $0 ? ":prob=0.5" : ",prob=0.5") }), seed: 6)
        let all = try RandomPerturbation(groups: groups(texts), seed: 6)
        let w = HostTensor((0..<64 * 12).map { Float($0) }, shape: [64, 4, 3])
        let result = try views(some).tensors(z: z, w: w, ids: samples) { FakeMapper() }
        let moved = try views(all).tensors(z: z, w: w, ids: samples) { FakeMapper() }
        var stays = [0, 0]
        for sample in 0..<64 {
            let (before, after, every) = (row(w, sample), row(result["w.1"], sample), row(moved["w.1"], sample))
            #expect(after[3..<6] == before[3..<6])
            for (number, layers) in [0..<3, 6..<12].enumerated() {
                let isKept = after[layers] == before[layers]
                #expect(isKept || after[layers] == every[layers])
                if isKept { stays[number] += 1 }
            }
        }
        #expect(stays.allSatisfy { (16...48).contains($0) })
        // Where all layers come from one z, it is the anchor's.
        let whole = try views(RandomPerturbation(groups: groups(["0-3:prob=0.5"]), seed: 6))
        let latents = try whole.tensors(z: z, w: nil, ids: samples) { throw NoMapper() }
        let kept = (0..<64).count { row(latents["z.1"], $0) == row(z, $0) }
        #expect((16...48).contains(kept))
    }

    /// Layers that are drawn anew are those of another z, which has nothing of the anchor's.
    @Test func redrawnLayersAreAnotherAnchors() throws {
        let perturbation = try RandomPerturbation.each(of: groups(["0-1", "1-3"]), seed: 4, isRedrawn: true)
        let samples = ids(0..<3), z = anchors(samples)
        let result = try LayerViews(Perturbation(noise: perturbation, spread: .each), base: base, mapped: mapped)
            .tensors(z: z, w: nil, ids: samples) { FakeMapper() }
        #expect(result.names == ["w.0", "w.1", "w.2"])
        for (view, layers) in [(1, 0..<2), (2, 1..<4)] {
            let other = perturbation.noise(view: view, group: view - 1, ids: samples, dimension: 4)
            for sample in 0..<3 {
                let kept = row(result["w.0"], sample), drawn = FakeMapper.layers(row(other, sample))
                let expected = kept.indices.map { layers.contains($0 / 3) ? drawn[$0] : kept[$0] }
                #expect(row(result["w.\(view)"], sample) == expected)
            }
        }
    }

    @Test func sweepAddsOneVectorToAllOfZ() throws {
        let perturbation = try RandomPerturbation.sweep(
            groups: PerturbationGroup.each(of: ChunkSet(parsing: "0,2"), noise: .standard), seed: 4)
        let samples = ids(0..<3), z = anchors(samples)
        let result = try views(perturbation).tensors(z: z, w: nil, ids: samples) { FakeMapper() }
        #expect(result.names == ["w.0", "w.1", "w.2"])
        let noise = perturbation.noise(view: 1, group: 0, ids: samples, dimension: 4)
        for sample in 0..<3 {
            let kept = row(result["w.0"], sample)
            let moved = FakeMapper.layers(zip(row(z, sample), row(noise, sample)).map { $0 + $1 })
            #expect(row(result["w.1"], sample) == Array(moved[0..<3] + kept[3...]))
            #expect(row(result["w.2"], sample) == Array(kept[0..<6] + moved[6..<9] + kept[9...]))
        }
    }

    @Test func dependsOnNeitherBatchNorThreads() throws {
        let views = try views(RandomPerturbation(groups: groups(["0:std=0.3", "1-2:std=0.8"]), seed: 9))
        let samples = ids(0..<150), z = anchors(samples)
        let whole = try views.tensors(z: z, w: nil, ids: samples, threads: 3) { FakeMapper() }
        let parts = try [0..<1, 1..<99, 99..<150].map { range in
            try views.tensors(z: z.rows(range), w: nil, ids: samples.rows(range)) { FakeMapper() }
        }
        for name in ["w.0", "w.1"] {
            #expect(HostTensor.concatenate(parts.compactMap { $0[name] }).floats == whole[name]?.floats)
        }
    }

    @Test func walkersMoveAllOfZ() throws {
        let backend = try CPUBackend.plain(threads: 1)
        func walker(_ dimension: Int, chunks: String? = nil) throws -> Walker {
            func values(_ shape: [Int]) -> HostTensor {
                HostTensor((0..<shape.reduce(1, *)).map { Float($0 % 7) / 10 - 0.2 }, shape: shape)
            }
            return try Walker(
                [
                    "walker.0.weight": values([5, dimension]), "walker.0.bias": values([5]),
                    "walker.2.weight": values([dimension, 5]), "walker.2.bias": values([dimension]),
                ], chunks: chunks.map { try ChunkSet(parsing: $0) }, name: "walker", backend: backend)
        }
        let own = try walker(4, chunks: "2-3")
        #expect(try own.layers(wanted: nil, count: 4).text == "2-3")
        #expect(try own.layers(wanted: ChunkSet(0), count: 4).text == "0")
        #expect(try walker(4).layers(wanted: nil, count: 4).text == "0-3")
        #expect(throws: Failure.self) { try own.layers(wanted: nil, count: 3) }

        let samples = ids(0..<4), z = anchors(samples)
        let moved = try own.apply(to: z, chunks: ChunkSet(0))
        let some = try LayerViews(
            Perturbation(walkers: [(own, ChunkSet(parsing: "2-3"))]), base: base, mapped: mapped)
        let result = try some.tensors(z: z, w: nil, ids: samples) { FakeMapper() }
        #expect(result.names == ["w.0", "w.1"])
        for sample in 0..<4 {
            let kept = FakeMapper.layers(row(z, sample)), walked = FakeMapper.layers(row(moved, sample))
            #expect(row(result["w.1"], sample) == Array(kept[0..<6] + walked[6...]))
        }
        let all = try LayerViews(Perturbation(walkers: [(own, ChunkSet(all: 4))]), base: base, mapped: mapped)
        #expect(all.needsNoMapping)
        let whole = try all.tensors(z: z, w: nil, ids: samples) { throw NoMapper() }
        #expect(whole["z.1"]?.floats == moved.floats)

        let foreign = try walker(6)
        let failure = #expect(throws: Failure.self) {
            try LayerViews(Perturbation(walkers: [(foreign, ChunkSet(all: 4))]), base: base, mapped: mapped)
        }
        #expect(failure?.kind == .incompatible)
    }

    @Test func refusesWhatDoesNotFit() throws {
        #expect(throws: Failure.self) { try self.views(RandomPerturbation(groups: groups(["3-4"]), seed: 0)) }
        let views = try self.views(RandomPerturbation(groups: groups(["1"]), seed: 0))
        func kind(_ z: HostTensor, _ w: HostTensor?, _ ids: HostTensor) -> Failure.Kind? {
            do {
                _ = try views.tensors(z: z, w: w, ids: ids) { FakeMapper() }
                return nil
            } catch {
                return (error as? Failure)?.kind
            }
        }
        let z = anchors(ids(0..<2)), w = HostTensor([Float](repeating: 0, count: 24), shape: [2, 4, 3])
        #expect(kind(z, w, ids(0..<2)) == nil)
        #expect(kind(z.reshaped([2, 2, 2]), nil, ids(0..<2)) == .data)
        #expect(kind(z, w.reshaped([2, 3, 4]), ids(0..<2)) == .data)
        #expect(kind(z, w.rows(0..<1), ids(0..<2)) == .data)
        #expect(kind(z, nil, ids(0..<3)) == .data)
        #expect(kind(z, nil, z) == .data)
    }
}
